export type { Band, Connect, History, SiteSeries, SiteSpark } from "./interface.ts";
export { lengthsOf, Recorder, type Sample } from "./recorder.ts";

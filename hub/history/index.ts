export type { Band, Connect, History, SiteSeries, SiteSpark } from "./interface.ts";
export { lengthsOf, Recorder, type RecorderOptions, type Sample } from "./recorder.ts";

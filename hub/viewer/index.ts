export type { ViewerServer } from "./viewer.ts";
export { type ViewerState, Viewers } from "./viewers.ts";

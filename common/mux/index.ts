export { BULK, INTERACTIVE, type Priority, type ResetReason } from "./frame.ts";
export { join } from "./join.ts";
export { Mux, type MuxHandlers } from "./mux.ts";
export type { Stream, StreamHandlers } from "./stream.ts";
export type { Traffic } from "./traffic.ts";

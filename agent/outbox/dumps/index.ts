export { openReader, type ReaderConfig } from "./reader.ts";
export type { Reader } from "./record.ts";
export { DumpSource, type DumpSourceOptions, type DumpStatus } from "./source.ts";

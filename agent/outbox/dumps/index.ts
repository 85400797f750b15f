export { readCore } from "./core.ts";
export { DumpSource, type DumpSourceOptions, type DumpStatus } from "./source.ts";

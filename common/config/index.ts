export { addKeys, moveTables } from "./edit.ts";
export { loadConfig, loadToml, parseConfig } from "./load.ts";
export { type Prepared, type Reconfigurable, Reloader, type ReloadReport, switched } from "./reloader.ts";

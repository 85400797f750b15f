export { addKeys, moveTables } from "./edit.ts";
export { loadConfig, parseConfig } from "./load.ts";

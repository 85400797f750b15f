export { connectOverNetwork } from "./commands.ts";
export { dumpsConfig } from "./config.ts";
export { DumpsLane } from "./lane.ts";

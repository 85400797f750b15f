export { age, type Levels, levelsState, parseLevels } from "./levels.ts";
export { type CheckState, LOCAL_SECTION, type LocalCheck, localLine, type Metric, worst } from "./local.ts";

export { age, levelsState, parseLevels } from "./levels.ts";
export { LOCAL_SECTION, type LocalCheck, localLine } from "./local.ts";
export { type LevelOptions, SITE_LEVELS, type SiteLevels, siteLevels, withLevels } from "./site-levels.ts";
export { type CheckState, worst } from "./state.ts";

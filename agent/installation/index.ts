export { groupsToJoin, joinGroups } from "./groups.ts";
export { isInstalled, type Start, startUnit, UNIT } from "./unit.ts";

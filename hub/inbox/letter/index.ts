export { type LaneRules, type Letter, letterId, type Sender, uuid } from "./letter.ts";
export { hostPrefixes, prefixOf } from "./prefix.ts";

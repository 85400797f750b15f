export type { Refused } from "./gate.ts";
export { Livestatus, type LivestatusOptions, type LivestatusState } from "./livestatus.ts";
export type { StateWord } from "./state.ts";
export { type Detail, StateFile } from "./state-file.ts";
export { type DatedState, type SiteRecord, SiteStates } from "./states.ts";

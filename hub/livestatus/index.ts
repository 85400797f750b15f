export { Cache } from "./cache.ts";
export { Channels } from "./channels.ts";
export type { Answering, ClientHost, ClientLimits } from "./client.ts";
export { Clients } from "./clients.ts";
export type { AnswerEvents } from "./exchange.ts";
export { Flights } from "./flights.ts";
export type { Commanded, Refused } from "./gate.ts";
export {
  type GatedSite,
  Livestatus,
  type LivestatusNow,
  type LivestatusOptions,
  type LivestatusRules,
  type LivestatusState,
} from "./livestatus.ts";
export { type Question, requestsIn } from "./question.ts";
export { STATE_WORDS, type StateWord } from "./state.ts";
export { type Detail, StateFile } from "./state-file.ts";
export { type DatedState, describe, type SiteRecord, SiteStates } from "./states.ts";
export { LATENCIES, Totals } from "./totals.ts";
export { trafficDetails, trafficText } from "./traffic.ts";

export { Federation, type FederationLimits, type FederationOptions } from "./federation.ts";
export { answerInJson } from "./json-answer.ts";
export type { PeerState } from "./peer.ts";
export type { View } from "./view.ts";

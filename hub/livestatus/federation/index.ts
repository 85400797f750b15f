export { Federation, type FederationLimits, type FederationOptions } from "./federation.ts";
export { answerInJson } from "./json-answer.ts";
export type { OneSite, Wanted } from "./one-site.ts";
export type { PeerState } from "./peer.ts";
export type { Row, Value } from "./value.ts";
export type { View } from "./view.ts";

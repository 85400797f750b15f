export { Federation, type FederationLimits } from "./federation.ts";
export { answerInJson } from "./json-answer.ts";
export type { Wanted } from "./one-site.ts";
export type { PeerState } from "./peer.ts";
export type { Row, Value } from "./value.ts";
export type { View } from "./view.ts";

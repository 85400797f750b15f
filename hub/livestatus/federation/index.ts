export { Federation, type FederationLimits, type FederationOptions } from "./federation.ts";
export type { PeerState } from "./peers-table.ts";
export type { View } from "./view.ts";

export { Admission, type AdmissionLimits } from "./admission.ts";
export { welcome } from "./handshake.ts";
export { listen } from "./listener.ts";
export { Probing } from "./probing.ts";
export type { SiteState } from "./site-state.ts";
export { type Caller, type SessionCounts, type Traffic, TunnelledSites } from "./sites.ts";
export { Strangers } from "./strangers.ts";
export type { SiteTraffic } from "./traffic.ts";

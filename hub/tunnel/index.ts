export { Admission, type AdmissionLimits } from "./admission.ts";
export { welcome } from "./handshake.ts";
export { listen } from "./listener.ts";
export { Probing } from "./probing.ts";
export {
  type Caller,
  type CarrierObserver,
  type SessionCounts,
  type SiteState,
  type Traffic,
  TunnelledSites,
} from "./sites.ts";
export { Strangers } from "./strangers.ts";
export type { SiteTraffic } from "./traffic.ts";

export { probeTarget } from "./probe.ts";
export { type Dialer, dialTarget, type ServiceRules, Services } from "./services.ts";
export { parseTarget, type Target } from "./target.ts";

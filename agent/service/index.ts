export { probeTarget } from "./probe.ts";
export { type Dialer, dialTarget, Services } from "./services.ts";
export { parseTarget, type Target } from "./target.ts";

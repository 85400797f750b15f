export { type Account, accountOf, agentAccount } from "./account.ts";
export { type Detection, detect } from "./detect.ts";
export type { Found } from "./found.ts";
export type { Host } from "./host.ts";
export { systemListeners } from "./listeners.ts";
export { type Rights, rightsAdvice, rightsTo } from "./rights.ts";
export { Tree } from "./tree.ts";

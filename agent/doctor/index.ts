export type { Keys } from "./carry.ts";
export { exitStatus } from "./exit.ts";
export { configFinding, itemsOnDisk, stateFinding } from "./files.ts";
export { eased, type Finding, ok, problem, type Step, skipped, warning } from "./finding.ts";
export { listenFinding } from "./listening.ts";
export { linesOf, textToForward } from "./report.ts";
export { runningFindings } from "./running.ts";
export { serviceFindings, systemAsk } from "./services.ts";
export { type WayOptions, walkWay } from "./way.ts";

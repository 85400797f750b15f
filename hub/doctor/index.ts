export { centralFindings, listenerFinding, poolFinding } from "./addresses.ts";
export { certificateFinding, presentedAt } from "./certificate.ts";
export { diskFinding, registryFindings, runFinding, stateFinding } from "./files.ts";
export { exitStatus, type Finding, ok, skipped, warning } from "./finding.ts";
export { agentsClock, limitsFinding, listeningFindings } from "./running.ts";

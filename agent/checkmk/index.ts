export { agentCheck, downChecks, siteChecks } from "./checks.ts";

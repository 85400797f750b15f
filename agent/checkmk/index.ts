export { agentCheck, DEFAULT_LEVELS, downChecks, type Levels, siteChecks } from "./checks.ts";

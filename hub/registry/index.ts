export { type Acquainted, AgentKeys } from "./agent-keys.ts";
export { type Actor, type AuditFilter, type AuditRecord, AuditRetention } from "./audit.ts";
export { type CentralConnection, CentralConnections } from "./central-connections.ts";
export { checkRegistry, type RegistryCheck } from "./check.ts";
export { Enrolment } from "./enrolment.ts";
export { parsePool } from "./pool.ts";
export { parseSitePath, Registry, type Site } from "./registry.ts";
export { openStore, type Store } from "./store.ts";
export { registryVital } from "./vital.ts";

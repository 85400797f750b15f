export { type Acquainted, AgentKeys } from "./agent-keys.ts";
export { type ApiToken, ApiTokens, type StoredToken } from "./api-tokens.ts";
export {
  type Actor,
  type AuditFilter,
  type AuditRecord,
  AuditRetention,
  type RetentionLimits,
} from "./audit.ts";
export { type CentralConnection, CentralConnections } from "./central-connections.ts";
export { checkRegistry, type RegistryCheck } from "./check.ts";
export { Enrolment } from "./enrolment.ts";
export { parsePool } from "./pool.ts";
export { noSite, noTenant, parseSitePath, Registry, type Site } from "./registry.ts";
export { openStore, type Store } from "./store.ts";
export { type StoredUser, type User, Users } from "./users.ts";
export { registryVital } from "./vital.ts";
export { type StoredSession, WebSessions } from "./web-sessions.ts";

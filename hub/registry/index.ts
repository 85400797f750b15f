export { type Acquainted, AgentKeys } from "./agent-keys.ts";
export { type ApiToken, ApiTokens, type StoredToken } from "./api-tokens.ts";
export {
  type Actor,
  type AuditCheck,
  type AuditFilter,
  type AuditProblem,
  type AuditRecord,
  AuditRetention,
  decodeLink,
  encodeLink,
  type Link,
  noteConfiguration,
  type OpenTrail,
  openTrail,
  type RetentionLimits,
  readAuditKey,
  readHead,
  trailOf,
  verifyAudit,
} from "./audit/index.ts";
export { AuditWriter } from "./audit-writer.ts";
export { type CentralConnection, CentralConnections } from "./central-connections.ts";
export { checkRegistry, type RegistryCheck } from "./check.ts";
export { Enrolment } from "./enrolment.ts";
export { parsePool } from "./pool.ts";
export { noSite, noTenant, parseSitePath, Registry, type Site } from "./registry.ts";
export { openStore, type Store } from "./store/index.ts";
export { type StoredUser, type User, Users } from "./users.ts";
export { registryVital } from "./vital.ts";
export { type StoredSession, WebSessions } from "./web-sessions.ts";

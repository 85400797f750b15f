export { noteConfiguration } from "./configuration.ts";
export { readAuditKey, readHead } from "./files.ts";
export { type OpenTrail, openTrail } from "./open.ts";
export { type Actor, type AuditFilter, type AuditRecord, readAudit } from "./record.ts";
export { AuditRetention, type RetentionLimits } from "./retention.ts";
export { decodeLink, encodeLink, type Link, SEAL_BYTES } from "./seal.ts";
export { setTrail, Trail, trailOf, writeAudit } from "./trail.ts";
export { type AuditCheck, type AuditProblem, type Damage, verifyAudit } from "./verify.ts";

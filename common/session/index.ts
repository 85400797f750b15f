export { Link, type LinkHandlers, type RecordCipher } from "./link.ts";
export * as records from "./record.ts";
export { SESSION_LIMITS, Session, type SessionLimits, type SessionOptions } from "./session.ts";

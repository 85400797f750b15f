export { Link, type LinkHandlers, type RecordCipher } from "./link.ts";
export { SESSION_LIMITS, type SessionLimits, type SessionOptions } from "./options.ts";
export * as records from "./record.ts";
export { Session } from "./session.ts";

export { readAuthorities } from "./authorities.ts";
export type { Carriers } from "./carriers.ts";
export { fetchCertificate } from "./certificate.ts";
export { Connector } from "./connector.ts";
export { withAdvice } from "./failure.ts";
export { enrol } from "./handshake.ts";
export { carriersOf } from "./kinds.ts";
export { stagedReach } from "./reach.ts";
export type { ConnectorStatus, Failure } from "./status.ts";

export { readAuthorities } from "./authorities.ts";
export type { Carriers } from "./carriers.ts";
export { fetchCertificate } from "./certificate.ts";
export { Connector } from "./connector.ts";
export { withAdvice } from "./failure.ts";
export { type Accepted, enrol } from "./handshake.ts";
export { carriersOf } from "./kinds.ts";
export { stagedReach } from "./reach.ts";
export { type ConnectorStatus, type Failure, failureOf } from "./status.ts";

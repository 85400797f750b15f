export { readAuthorities } from "./authorities.ts";
export { fetchCertificate } from "./certificate.ts";
export { Connector, type ConnectorStatus, type Failure } from "./connector.ts";
export { withAdvice } from "./failure.ts";
export { enrol } from "./handshake.ts";
export { type Reach, stagedReach } from "./reach.ts";
export { type DialCarrier, webSocketDialer } from "./websocket.ts";

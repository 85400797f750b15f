export { readAuthorities } from "./authorities.ts";
export { fetchCertificate } from "./certificate.ts";
export { Connector, type ConnectorStatus } from "./connector.ts";
export { withAdvice } from "./failure.ts";
export { enrol } from "./handshake.ts";
export { webSocketDialer } from "./websocket.ts";

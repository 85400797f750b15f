export { hubConnectError, isNameTrouble } from "./failure.ts";
export { type Head, readAnswer } from "./head.ts";
export { type Open, openDirectly, opener } from "./open.ts";
export { USER } from "./proxy.ts";
export {
  DIRECT,
  directly,
  NO_PROXY,
  type ProxySettings,
  type Route,
  type RouteTo,
  type RouteView,
  routesFrom,
  routeText,
  viewOf,
} from "./route.ts";
export { isSilence, type Limit, limitOf, silence, step, type Trouble } from "./step.ts";
export { addressOf } from "./tcp.ts";
export { startTls } from "./tls.ts";
export { wireText } from "./wire-text.ts";

export { nagvisBackends, thrukPeers } from "./addons.ts";
export {
  BROKER_PORT,
  CONNECT_TIMEOUT,
  type Connection,
  DEFAULT_SITE_ID,
  type LivestatusSocket,
  type Plan,
  pathOf,
  planConnections,
  socketText,
  type Wishes,
} from "./connection.ts";
export { type CoreAddress, deliver, parseCoreAddress } from "./deliver.ts";
export { hubDownCheck, pluginLines } from "./local.ts";
export { HEADER, sitesMk, spoolerMk } from "./sites-mk.ts";
export { askSites } from "./sites-table.ts";
export {
  exitCode,
  type HostState,
  hostResult,
  hostState,
  type SiteStatus,
  withoutUnreachable,
} from "./status-host.ts";
export { expand } from "./template.ts";
export { type Dialect, dialectOf, hasSiteApi, NEWEST } from "./version.ts";

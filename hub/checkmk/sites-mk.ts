/** Connections as Checkmk keeps them itself: `etc/check_mk/multisite.d/sites.mk`, and the spooler's settings. */

import { FarsiteError } from "../../common/errors.ts";
import { VERSION } from "../../common/version.ts";
import {
  BROKER_PORT,
  CONNECT_TIMEOUT,
  type Connection,
  type LeftOut,
  type LivestatusSocket,
  type Plan,
  pathOf,
} from "./connection.ts";
import { type Python, pythonLiteral, Tuple } from "./python.ts";
import { type Dialect, dialectOf } from "./version.ts";

/** By it a file is known to be ours. */
export const HEADER = "# Written by farsite-hub";

/** Seconds: Checkmk's own defaults for a connection of its notification spooler. */
const COOLDOWN = 20;
const HEARTBEAT_INTERVAL = 10;
const HEARTBEAT_TIMEOUT = 3;

export interface SitesOptions {
  /** A release of Checkmk, such as 2.4. */
  version: string;
  replicate: boolean;
}

/**
 * Statements for `sites.mk`; Checkmk reads the file as Python with `sites` defined.
 * @throws E_SITE_ID the configuration of a site cannot be replicated
 */
export function sitesMk({ connections, leftOut }: Plan, { version, replicate }: SitesOptions): string {
  if (replicate) refuseWithoutReplication(connections);
  const dialect = dialectOf(version);
  const sites = Object.fromEntries(
    connections.map((connection) => [connection.id, entryOf(connection, dialect, replicate)]),
  );
  const head = headOf(`for etc/check_mk/multisite.d/sites.mk of Checkmk ${version}`, leftOut);
  return `${head}sites.update(${pythonLiteral(sites)})\n`;
}

function entryOf(connection: Connection, dialect: Dialect, replicate: boolean): Python {
  const { id, alias, socket, url, statusHost, urlPrefix, customer, brokerPort } = connection;
  return {
    id,
    alias,
    ...(customer !== undefined && { customer }),
    socket: socketOf(socket),
    timeout: CONNECT_TIMEOUT,
    persist: false,
    proxy: null,
    disabled: false,
    status_host: statusHost ? new Tuple(statusHost.site, statusHost.host) : null,
    url_prefix: urlPrefix,
    replication: replicate ? "slave" : null,
    multisiteurl: url,
    insecure: false,
    disable_wato: true,
    user_login: true,
    replicate_ec: replicate,
    replicate_mkps: replicate,
    ...(dialect.brokerPort && { message_broker_port: brokerPort ?? BROKER_PORT }),
    // newer releases have another name for it, and take it for the same when it is not there
    ...(dialect.trusted ? { is_trusted: false } : { user_sync: null }),
  };
}

function socketOf(socket: LivestatusSocket): Python {
  if (socket.type === "unix") return new Tuple("unix", { path: socket.path });
  return new Tuple("tcp", {
    address: new Tuple(socket.host, socket.port),
    tls: new Tuple("plain_text", {}),
  });
}

/**
 * Statements for the settings of the notification spooler, `etc/check_mk/mknotifyd.d/wato/global.mk`: the central
 * site connects to each site's spooler. What is set there for other addresses stays.
 */
export function spoolerMk({ connections, leftOut }: Plan): string {
  const spoolers = connections.flatMap(({ spooler }) => (spooler ? [spooler] : []));
  const without = connections.filter(({ spooler }) => !spooler);
  const missing = [
    ...leftOut,
    ...without.map(({ tenant, site }) => ({
      tenant,
      site,
      reason: "it has no service notify",
    })),
  ];
  const outgoing = spoolers.map(({ host, port }) => ({
    address: host,
    port,
    cooldown: COOLDOWN,
    heartbeat_interval: HEARTBEAT_INTERVAL,
    heartbeat_timeout: HEARTBEAT_TIMEOUT,
    // it passes unchanged to the site's own spooler
    encryption: "encrypted",
  }));
  const addresses = pythonLiteral(spoolers.map(({ host }) => host));
  return (
    `${headOf("for etc/check_mk/mknotifyd.d/wato/global.mk", missing)}` +
    'notification_spooler_config["outgoing"] = [\n' +
    '    connection for connection in notification_spooler_config.get("outgoing", [])\n' +
    `    if connection["address"] not in ${addresses.replaceAll("\n", "\n    ")}\n` +
    `] + ${pythonLiteral(outgoing)}\n`
  );
}

function headOf(where: string, leftOut: readonly LeftOut[]): string {
  const left = leftOut.map((site) => `# ${pathOf(site)} is left out: ${site.reason}.\n`);
  return `${HEADER} ${VERSION}, ${where}.\n${left.join("")}`;
}

function refuseWithoutReplication(connections: readonly Connection[]): void {
  const impossible = connections.filter(({ noReplication }) => noReplication !== undefined);
  if (impossible.length === 0) return;
  const list = impossible.map((site) => `${pathOf(site)}: ${site.noReplication}`).join("\n");
  throw new FarsiteError("E_SITE_ID", "not every site can take configuration from the central site", list);
}

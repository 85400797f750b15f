/** A site connection as Checkmk's REST API has it: what a new one says, and what of an existing one is ours. */

import { z } from "zod";
import {
  BROKER_PORT,
  CONNECT_TIMEOUT,
  type Connection,
  type Dialect,
  type LivestatusSocket,
  socketText,
  type Wishes,
} from "../index.ts";

/** What is read of it; what a release has besides is kept, and sent back as it came. */
export const siteConfig = z.looseObject({
  basic_settings: z.looseObject({ site_id: z.string(), alias: z.string() }),
  status_connection: z.looseObject({
    connection: z.looseObject({
      socket_type: z.string(),
      host: z.string().optional(),
      port: z.number().optional(),
      path: z.string().optional(),
    }),
  }),
  configuration_connection: z.looseObject({ enable_replication: z.boolean().optional() }),
});
export type SiteConfig = z.output<typeof siteConfig>;

/** A setting that differs, by its path. */
export interface Change {
  path: string;
  from?: unknown;
  to?: unknown;
}

type Settings = Readonly<Record<string, unknown>>;

/** All that the API wants of a new connection. */
export function newConfig(
  connection: Connection,
  wishes: Wishes,
  dialect: Dialect,
  customer = connection.customer,
): SiteConfig {
  return {
    basic_settings: {
      site_id: connection.id,
      alias: connection.alias,
      ...(customer !== undefined && { customer }),
    },
    status_connection: {
      connection: socketOf(connection.socket),
      proxy: { use_livestatus_daemon: "direct" },
      connect_timeout: CONNECT_TIMEOUT,
      persistent_connection: false,
      // none is said by leaving it out: an empty one is refused, for it does not end with a slash
      ...(connection.urlPrefix !== "" && { url_prefix: connection.urlPrefix }),
      status_host: statusHostOf(connection),
      disable_in_status_gui: false,
    },
    configuration_connection: configurationOf({ enable_replication: false }, connection, wishes, dialect),
  };
}

/** An existing connection with what is ours in it changed, as a request; the rest is the administrator's. */
export function changedConfig(
  present: SiteConfig,
  connection: Connection,
  wishes: Wishes,
  dialect: Dialect,
): SiteConfig {
  const { alias, customer, urlPrefix, statusHost } = wishes;
  // what an answer has, and a request must not
  const { logged_in: _, ...rest } = present;
  const { url_prefix: prefix, ...status } = present.status_connection;
  const wantedPrefix = urlPrefix === undefined ? prefix : connection.urlPrefix;
  return {
    ...rest,
    basic_settings: {
      ...present.basic_settings,
      ...(alias !== undefined && { alias: connection.alias }),
      ...(customer !== undefined && { customer: connection.customer }),
    },
    status_connection: {
      ...status,
      connection: sameKind(present, connection)
        ? { ...status.connection, ...placeOf(connection.socket) }
        : socketOf(connection.socket),
      ...(wantedPrefix !== undefined && wantedPrefix !== "" && { url_prefix: wantedPrefix }),
      ...(statusHost && { status_host: statusHostOf(connection) }),
    },
    configuration_connection: configurationOf(present.configuration_connection, connection, wishes, dialect),
  };
}

function configurationOf(
  before: SiteConfig["configuration_connection"],
  connection: Connection,
  wishes: Wishes,
  dialect: Dialect,
): SiteConfig["configuration_connection"] {
  const { replicate } = wishes;
  const fresh = replication(connection, dialect);
  if (!replicate && !before.enable_replication)
    return { enable_replication: false, ...(!dialect.short && fresh) };
  return {
    ...fresh,
    ...(before.enable_replication && before),
    ...(replicate && { url_of_remote_site: connection.url }),
    ...(replicate && dialect.brokerPort && connection.brokerPort !== undefined
      ? { message_broker_port: connection.brokerPort }
      : {}),
    enable_replication: true,
  };
}

/** What a replication is set to when it begins: Checkmk's own defaults for a new site, and no trust. */
function replication(connection: Connection, dialect: Dialect): Settings {
  return {
    url_of_remote_site: connection.url,
    disable_remote_configuration: true,
    ignore_tls_errors: false,
    direct_login_to_web_gui_allowed: true,
    user_sync: { sync_with_ldap_connections: "disabled" },
    replicate_event_console: true,
    replicate_extensions: true,
    ...(dialect.brokerPort && { message_broker_port: connection.brokerPort ?? BROKER_PORT }),
    ...(dialect.trusted && { is_trusted: false }),
  };
}

function statusHostOf({ statusHost }: Connection): Settings {
  return statusHost ? { status_host_set: "enabled", ...statusHost } : { status_host_set: "disabled" };
}

function socketOf(socket: LivestatusSocket): SiteConfig["status_connection"]["connection"] {
  const { type } = socket;
  return { socket_type: type, ...placeOf(socket), ...(type === "tcp" && { encrypted: false }) };
}

/** Whether it speaks TLS to the site, and how it checks it, is the administrator's. */
function placeOf(socket: LivestatusSocket): { host: string; port: number } | { path: string } {
  return socket.type === "tcp" ? { host: socket.host, port: socket.port } : { path: socket.path };
}

function sameKind(present: SiteConfig, { socket }: Connection): boolean {
  return present.status_connection.connection.socket_type === socket.type;
}

/** The socket of a connection as `socketText` writes it; of another kind than ours, so that it is no socket. */
export function socketOfConfig({ status_connection }: SiteConfig): string {
  const { socket_type: type, host, port, path } = status_connection.connection;
  if (type === "unix" && path !== undefined) return socketText({ type, path });
  if (type === "tcp" && host !== undefined && port !== undefined) return socketText({ type, host, port });
  return host === undefined ? type : `${type}:${host}:${port}`;
}

/** What must change to come from one to the other, setting by setting; undefined is a connection not yet made. */
export function differences(from: SiteConfig | undefined, to: SiteConfig): Change[] {
  const before = from ? flat(comparable(from)) : new Map<string, unknown>();
  const after = flat(comparable(to));
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((path) => JSON.stringify(before.get(path)) !== JSON.stringify(after.get(path)))
    .map((path) => ({
      path,
      ...(before.has(path) && { from: before.get(path) }),
      ...(after.has(path) && { to: after.get(path) }),
    }));
}

/** What says the same, said in the same way; and without what is a secret, or no setting. */
function comparable({ logged_in: _, secret: __, ...config }: SiteConfig): Settings {
  const { url_prefix: prefix = "", ...status } = config.status_connection;
  const replicated = config.configuration_connection.enable_replication === true;
  return {
    ...config,
    status_connection: { ...status, ...(prefix !== "" && { url_prefix: prefix }) },
    // what it would be set to does not count while there is none
    configuration_connection: replicated ? config.configuration_connection : { enable_replication: false },
  };
}

function flat(value: Settings, prefix = ""): Map<string, unknown> {
  const settings = new Map<string, unknown>();
  for (const [key, entry] of Object.entries(value)) {
    const path = `${prefix}${key}`;
    if (typeof entry === "object" && entry !== null && !Array.isArray(entry)) {
      for (const inner of flat(entry as Settings, `${path}.`)) settings.set(...inner);
    } else settings.set(path, entry);
  }
  return settings;
}

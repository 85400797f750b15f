/** The lane of notifications, and its sinks as hub.toml names them. */

import { join } from "node:path";
import type { Clock } from "../../../common/clock.ts";
import type { Disk } from "../../../common/disk.ts";
import { readSecretFile } from "../../../common/files.ts";
import { Turns } from "../../../common/turns.ts";
import { readAuthorities } from "../../tls/index.ts";
import type { LaneRules, Letter, Sender } from "../letter/index.ts";
import { CommandSink, type Post, type Sink, SpoolSink, WebhookSink } from "../sink/index.ts";
import type { NotificationsConfig, SinkConfig } from "./config.ts";
import { type HostPrefix, MAX_NOTIFICATION, readNotification, spoolFile } from "./notification.ts";

export const NOTIFY_LANE = "notify";
const NOTIFICATION = "notification";

export interface NotifyLane {
  rules: LaneRules;
  /** The sinks for a site's notifications. */
  sinks(sender: Sender): Sink[];
}

export interface NotifyParts {
  disk: Disk;
  clock: Clock;
  post: Post;
  /** Where files for commands are written, unless a sink names another place. */
  directory: string;
}

/** Throws E_CONFIG when a file that a sink needs is not as it should be. */
export function notifyLane(config: NotificationsConfig, parts: NotifyParts): NotifyLane {
  const prefixes = new Map(Object.entries(config.host_prefix));
  const hostPrefix: HostPrefix = (tenant) => prefixes.get(tenant);
  const sinks = Object.entries(config.sinks).map(([name, sink]) => ({
    tenants: sink.tenants,
    sink: makeSink(name, sink, hostPrefix, parts),
  }));
  return {
    rules: {
      name: NOTIFY_LANE,
      longest: MAX_NOTIFICATION,
      check: (letter) => {
        if (letter.kind !== NOTIFICATION) throw new Error(`a letter of the kind ${letter.kind} came`);
        readNotification(letter, hostPrefix);
      },
    },
    sinks: ({ tenant }) =>
      sinks.filter(({ tenants }) => !tenants || tenants.includes(tenant)).map(({ sink }) => sink),
  };
}

function makeSink(name: string, config: SinkConfig, hostPrefix: HostPrefix, parts: NotifyParts): Sink {
  const { disk, clock, post } = parts;
  const context = (letter: Letter) => readNotification(letter, hostPrefix);
  const contents = (letter: Letter) => spoolFile(context(letter));
  if (config.kind === "spool") return new SpoolSink({ name, folder: config.folder, disk, contents, clock });
  const timeout = config.timeout_seconds * 1000;
  const turns = new Turns(config.parallel);
  if (config.kind === "command") {
    const directory = config.directory ?? join(parts.directory, name);
    return new CommandSink({
      name,
      command: config.command,
      directory,
      disk,
      contents,
      clock,
      timeout,
      turns,
    });
  }
  const { header, secret_file: secret, ca_file: authorities } = config;
  return new WebhookSink({
    name,
    url: config.url,
    headers: () => (header && secret ? { [header]: (readSecretFile(secret) ?? "").trim() } : {}),
    contents: (letter) => ({
      id: letter.id,
      tenant: letter.tenant,
      site: letter.site,
      time: new Date(letter.time).toISOString(),
      context: Object.fromEntries(context(letter)),
    }),
    timeout,
    authorities:
      authorities === undefined
        ? undefined
        : readAuthorities(authorities, `notifications.sinks.${name}.ca_file`),
    post,
    turns,
  });
}

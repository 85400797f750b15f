/** The hub's inbox as hub.toml says: its lanes and their sinks. */
import { join } from "node:path";
import type { Clock } from "../../common/clock.ts";
import { type Reconfigurable, switched } from "../../common/config/index.ts";
import { systemDisk } from "../../common/disk.ts";
import type { Log } from "../../common/log.ts";
import { Opener, STATUS_LANE } from "../../common/outbox/index.ts";
import type { Random } from "../../common/random.ts";
import type { HubConfig } from "../config.ts";
import {
  connectOverNetwork,
  DumpsLane,
  Inbox,
  type InboxRules,
  notifyLane,
  postOverNetwork,
  type Sender,
} from "../inbox/index.ts";
import type { HubKeys } from "../keys/index.ts";
import type { Registry } from "../registry/index.ts";

export interface InboxParts {
  stateDir: string;
  keys: Pick<HubKeys, "opening">;
  registry: Registry;
  clock: Clock;
  random: Random;
  log: Log;
}

/** In the state directory: what was received, and files that commands are working on. */
const DIRECTORY = "inbox";
const FILES = "inbox-files";

export interface OpenInbox {
  inbox: Inbox;
  /** Takes up what is known of the sites' dumps. */
  start(): Promise<void>;
  stop(): Promise<void>;
  part: Reconfigurable<HubConfig>;
}

export function openInbox(config: HubConfig, parts: InboxParts): OpenInbox {
  const { stateDir, keys, registry, clock, random, log } = parts;
  const disk = systemDisk;
  const directory = join(stateDir, DIRECTORY);
  const refused = ({ tenant, site }: Sender, lane: string, reason: string): void => {
    void registry
      .record("agent", "inbox.refuse", `${tenant}/${site}`, `${lane}: ${reason}`)
      .catch(() => log.warn("the registry cannot be written"));
  };
  const dumpsLane = (rules: HubConfig["dumps"]) =>
    new DumpsLane(rules, {
      disk,
      clock,
      connect: connectOverNetwork,
      log,
      directory: ({ tenant, site }) => join(directory, tenant, site, STATUS_LANE),
      refused: (sender, reason) => {
        log.warn("something in a status dump was refused", {
          site: `${sender.tenant}/${sender.site}`,
          reason,
        });
        refused(sender, STATUS_LANE, reason);
      },
    });
  const rulesOf = ({ inbox: limits, notifications }: HubConfig, lane: DumpsLane): InboxRules => ({
    lanes: [
      lane,
      notifyLane(notifications, { disk, clock, post: postOverNetwork, directory: join(stateDir, FILES) }),
    ],
    limits: { items: limits.items, bytes: limits.mib * (1 << 20), perSecond: limits.items_per_second },
  });
  let dumps = dumpsLane(config.dumps);
  const inbox = new Inbox({
    ...rulesOf(config, dumps),
    disk,
    directory,
    opener: new Opener(() => keys.opening),
    clock,
    random,
    log,
    refused: ({ tenant, name }, lane, reason) => refused({ tenant, site: name }, lane, reason),
  });
  const start = async () => {
    const known = await registry.sites();
    await dumps.start(known.map(({ tenant, name }) => ({ tenant, site: name })));
  };
  const part = switched<HubConfig>(["inbox", "notifications", "dumps"], (changed) => {
    const next = dumpsLane(changed.dumps);
    return inbox.reconfigure(rulesOf(changed, next), async () => {
      await dumps.stop();
      dumps = next;
      await start();
    });
  });
  return { inbox, start, stop: () => dumps.stop(), part };
}

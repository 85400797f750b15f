/** The hub's inbox as hub.toml says: its lanes and their sinks. */
import { join } from "node:path";
import type { Clock } from "../../common/clock.ts";
import { systemDisk } from "../../common/disk.ts";
import type { Log } from "../../common/log.ts";
import type { KeyPair } from "../../common/noise/index.ts";
import { Opener } from "../../common/outbox/index.ts";
import type { Random } from "../../common/random.ts";
import type { HubConfig } from "../config.ts";
import { Inbox, notifyLane, postOverNetwork } from "../inbox/index.ts";
import type { Registry } from "../registry/index.ts";

export interface InboxParts {
  stateDir: string;
  identity: KeyPair;
  registry: Registry;
  clock: Clock;
  random: Random;
  log: Log;
}

/** In the state directory: what was received, and files that commands are working on. */
const DIRECTORY = "inbox";
const FILES = "inbox-files";

export function openInbox(
  { inbox: limits, notifications }: HubConfig,
  { stateDir, identity, registry, clock, random, log }: InboxParts,
): Inbox {
  const disk = systemDisk;
  return new Inbox({
    lanes: [
      notifyLane(notifications, { disk, clock, post: postOverNetwork, directory: join(stateDir, FILES) }),
    ],
    disk,
    directory: join(stateDir, DIRECTORY),
    opener: new Opener(identity),
    limits: { items: limits.items, bytes: limits.mib * (1 << 20), perSecond: limits.items_per_second },
    clock,
    random,
    log,
    refused: ({ tenant, name }, lane, reason) => {
      void registry
        .record("agent", "inbox.refuse", `${tenant}/${name}`, `${lane}: ${reason}`)
        .catch(() => log.warn("the registry cannot be written"));
    },
  });
}

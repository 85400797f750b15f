/** What one site forwards, as its part of agent.toml says: the sources, the lanes, the outbox. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Clock } from "../../common/clock.ts";
import { systemDisk } from "../../common/disk.ts";
import type { Log } from "../../common/log.ts";
import type { Stream } from "../../common/mux/index.ts";
import { Sealer } from "../../common/outbox/index.ts";
import type { Random } from "../../common/random.ts";
import { Lane } from "./lane/index.ts";
import { corruptedBeside, type NotifyStatus, NotifyWatcher, SpoolFiles } from "./notify/index.ts";
import { Outbox, type OutboxLane } from "./outbox.ts";

/** The parts of agent.toml that it follows. */
export interface ForwardingConfig {
  outbox: { items: number; mib: number; hours: number };
  notifications: { spool?: string | undefined; corrupted?: string | undefined };
}

export interface ForwardingParts {
  /** The enrolment's folder. */
  stateDir: string;
  /** For whom it is; the hub's key in base64. */
  enrolled: { hubKey: string; tenant: string; site: string };
  /** Opens a stream of the service `outbox`. */
  open: () => Stream | undefined;
  clock: Clock;
  random: Random;
  log: Log;
}

export interface Forwarding {
  start(): void;
  stop(): Promise<void>;
  lanes(): OutboxLane[];
  notifications(): NotifyStatus;
}

/** In the enrolment's folder; in it one for the hub and site, with one for each lane. */
const DIRECTORY = "outbox";
export const NOTIFY_LANE = "notify";

/** Opens a site's outbox; undefined when its file has nothing to forward. */
export async function openForwarding(
  { outbox: limits, notifications }: ForwardingConfig,
  { stateDir, enrolled, open, clock, random, log }: ForwardingParts,
): Promise<Forwarding | undefined> {
  const { spool } = notifications;
  if (spool === undefined) return undefined;
  const files = new SpoolFiles(spool, notifications.corrupted ?? corruptedBeside(spool));
  const directory = join(stateDir, DIRECTORY);
  const own = nameOf(enrolled);
  // what was sealed for another hub nobody can read there, and another site's is not this one's: sources still have it
  for (const other of await systemDisk.list(directory)) {
    if (other !== own) await systemDisk.remove(join(directory, other));
  }
  const watcher = new NotifyWatcher({ files, clock, log });
  const lane = await Lane.open({
    name: NOTIFY_LANE,
    disk: systemDisk,
    directory: join(directory, own, NOTIFY_LANE),
    sealer: new Sealer(Buffer.from(enrolled.hubKey, "base64"), random),
    limits: { items: limits.items, bytes: limits.mib * (1 << 20), age: limits.hours * 3_600_000 },
    full: "refuse",
    source: watcher,
    clock,
    random,
    log,
  });
  const outbox = new Outbox({ lanes: [lane], open, clock, random, log });
  return {
    start: () => {
      outbox.start();
      watcher.start(lane);
    },
    stop: async () => {
      await watcher.stop();
      await outbox.stop();
    },
    lanes: () => outbox.status(),
    notifications: () => watcher.status(),
  };
}

function nameOf({ hubKey, tenant, site }: ForwardingParts["enrolled"]): string {
  return createHash("sha256").update(`${hubKey} ${tenant}/${site}`).digest("hex").slice(0, 16);
}

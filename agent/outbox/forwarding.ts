/** What one site forwards, as its part of agent.toml says: the sources, the lanes, the outbox. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Clock } from "../../common/clock.ts";
import { systemDisk } from "../../common/disk.ts";
import type { Log } from "../../common/log.ts";
import type { Stream } from "../../common/mux/index.ts";
import { INVENTORY_LANE, Sealer, STATUS_LANE } from "../../common/outbox/index.ts";
import type { Random } from "../../common/random.ts";
import type { Dialer, Target } from "../service/index.ts";
import { DumpSource, type DumpStatus, openReader, type ReaderConfig } from "./dumps/index.ts";
import {
  CoreInventory,
  Folders,
  InventorySource,
  type InventoryStatus,
  type Origin,
} from "./inventory/index.ts";
import { Lane, type LaneOptions, type Source } from "./lane/index.ts";
import { corruptedBeside, type NotifyStatus, NotifyWatcher, SpoolFiles } from "./notify/index.ts";
import { Outbox, type OutboxLane } from "./outbox.ts";
import { askCore } from "./table/index.ts";

/** The parts of agent.toml that it follows. */
export interface ForwardingConfig {
  outbox: {
    items: number;
    mib: number;
    hours: number;
    items_per_second: number;
    kib_per_second?: number | undefined;
  };
  notifications: { spool?: string | undefined; corrupted?: string | undefined };
  dumps: ReaderConfig & { interval_seconds: number; full_minutes: number };
  inventory: {
    source: "files" | "livestatus";
    folder?: string | undefined;
    archive?: string | undefined;
    livestatus?: { text: string; address: Target } | undefined;
    interval_seconds: number;
    compare_minutes: number;
    hold_hours: number;
    files: number;
    file_mib: number;
    timeout_seconds: number;
  };
}

export interface ForwardingParts {
  /** The enrolment's folder. */
  stateDir: string;
  /** For whom it is; the hub's key at enrolment, in base64. */
  enrolled: { hubKey: string; tenant: string; site: string };
  /** The hub's key now. */
  hubKey: () => Uint8Array;
  /** Opens a stream of the service `outbox`. */
  open: () => Stream | undefined;
  /** Connects to the core. */
  dial: Dialer;
  clock: Clock;
  random: Random;
  log: Log;
}

export interface Forwarding {
  start(): void;
  stop(): Promise<void>;
  lanes(): OutboxLane[];
  /** Undefined when none are taken, as below. */
  notifications(): NotifyStatus | undefined;
  dumps(): DumpStatus | undefined;
  inventory(): InventoryStatus | undefined;
}

/** What fills a lane. */
interface Feed extends Source {
  start(lane: Lane): void;
  stop(): Promise<void>;
}

/** In the enrolment's folder; in it one for the hub and site, with one for each lane. */
const DIRECTORY = "outbox";
/** Beside the lanes' directories: what the hub has of the inventory. */
const LEDGER = "inventory.json";
export const NOTIFY_LANE = "notify";

/** Opens a site's outbox; undefined when its file has nothing to forward. */
export async function openForwarding(
  config: ForwardingConfig,
  parts: ForwardingParts,
): Promise<Forwarding | undefined> {
  const { stateDir, enrolled, hubKey, open, clock, random, log } = parts;
  const dumps = dumpSource(config, parts);
  const watcher = notifyWatcher(config, parts);
  const directory = join(stateDir, DIRECTORY);
  const own = nameOf(enrolled);
  const inventory = inventorySource(config, parts, join(directory, own, LEDGER));
  if (!dumps && !watcher && !inventory) return undefined;
  // what was sealed for another hub nobody can read there, and another site's is not this one's: sources still have it
  for (const other of await systemDisk.list(directory)) {
    if (other !== own) await systemDisk.remove(join(directory, other));
  }
  const { hours, items, mib, items_per_second, kib_per_second } = config.outbox;
  const limits = { items, bytes: mib * (1 << 20), age: hours * 3_600_000 };
  const openLane = (name: string, source: Source, rules: Pick<LaneOptions, "limits" | "full">) =>
    Lane.open({
      name,
      disk: systemDisk,
      directory: join(directory, own, name),
      sealer: new Sealer(hubKey, random),
      ...rules,
      source,
      clock,
      random,
      log,
    });
  const feeds: { feed: Feed; lane: Lane }[] = [];
  // of the states only the newest counts, and they go first
  if (dumps) {
    const lane = await openLane(STATUS_LANE, dumps, { limits: { ...limits, items: 1 }, full: "oldest" });
    feeds.push({ feed: dumps, lane });
  }
  if (watcher) {
    feeds.push({ feed: watcher, lane: await openLane(NOTIFY_LANE, watcher, { limits, full: "refuse" }) });
  }
  // the largest, and nobody waits for it
  if (inventory) {
    const rules = { limits: { ...limits, age: Number.POSITIVE_INFINITY }, full: "refuse" } as const;
    feeds.push({ feed: inventory, lane: await openLane(INVENTORY_LANE, inventory, rules) });
  }
  const outbox = new Outbox({
    lanes: feeds.map(({ lane }) => lane),
    pace: { itemsPerSecond: items_per_second, bytesPerSecond: kib_per_second && kib_per_second * 1024 },
    open,
    clock,
    random,
    log,
  });
  return {
    start: () => {
      outbox.start();
      for (const { feed, lane } of feeds) feed.start(lane);
    },
    stop: async () => {
      await Promise.all(feeds.map(({ feed }) => feed.stop()));
      await outbox.stop();
    },
    lanes: () => outbox.status(),
    notifications: () => watcher?.status(),
    dumps: () => dumps?.status(),
    inventory: () => inventory?.status(),
  };
}

function dumpSource({ dumps }: ForwardingConfig, parts: ForwardingParts): DumpSource | undefined {
  const { dial, clock, random, log } = parts;
  const reader = openReader(dumps, dial, clock);
  if (!reader) return undefined;
  return new DumpSource({
    reader,
    interval: dumps.interval_seconds * 1000,
    everything: dumps.full_minutes * 60_000,
    clock,
    random,
    log,
  });
}

function inventorySource(
  { inventory }: ForwardingConfig,
  parts: ForwardingParts,
  ledger: string,
): InventorySource | undefined {
  const { clock, random, log } = parts;
  const origin = inventoryOrigin(inventory, parts);
  if (!origin) return undefined;
  return new InventorySource({
    origin,
    disk: systemDisk,
    ledger,
    interval: inventory.interval_seconds * 1000,
    compare: inventory.compare_minutes * 60_000,
    hold: inventory.hold_hours * 3_600_000,
    clock,
    random,
    log,
  });
}

function inventoryOrigin(
  { source, folder, archive, livestatus, files, file_mib, timeout_seconds }: ForwardingConfig["inventory"],
  { dial, clock }: ForwardingParts,
): Origin | undefined {
  const limits = { most: files, largest: Math.floor(file_mib * (1 << 20)) };
  if (source === "files")
    return folder === undefined ? undefined : new Folders({ folder, archive, ...limits });
  if (!livestatus) return undefined;
  const ask = askCore({ target: livestatus.address, dial, clock, timeout: timeout_seconds * 1000 });
  return new CoreInventory({ ask, place: livestatus.text, ...limits });
}

function notifyWatcher(
  { notifications: { spool, corrupted } }: ForwardingConfig,
  { clock, log }: ForwardingParts,
): NotifyWatcher | undefined {
  if (spool === undefined) return undefined;
  return new NotifyWatcher({ files: new SpoolFiles(spool, corrupted ?? corruptedBeside(spool)), clock, log });
}

function nameOf({ hubKey, tenant, site }: ForwardingParts["enrolled"]): string {
  return createHash("sha256").update(`${hubKey} ${tenant}/${site}`).digest("hex").slice(0, 16);
}

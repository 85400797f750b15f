/** A site's inventory in memory, mirrored to a hub's folder in memory; both sides can crash at any step. */
import { InventorySource, type Listing, type Origin } from "../../../agent/outbox/inventory/index.ts";
import type { Lane } from "../../../agent/outbox/lane/index.ts";
import { FakeClock } from "../../../common/clock.ts";
import { MemoryLog } from "../../../common/log.ts";
import type { Box } from "../../../hub/inbox/box.ts";
import { InventoryLane, inventoryConfig } from "../../../hub/inbox/inventory/index.ts";
import { Dice, settle } from "../mux/rig.ts";
import { join, type Line, openBox, openLane } from "../outbox/rig.ts";
import { MemoryDisk } from "../queue/memory-disk.ts";

export const FOLDER = "/central/inventory";
export const ARCHIVE_FOLDER = "/central/inventory_archive";
export const INTERVAL = 60_000;
export const HOLD = 3_600_000;
export const COMPARE = 86_400_000;
const SENDER = { tenant: "acme", site: "main" };
const PREFIXES = [
  ["inventory/", `${FOLDER}/`],
  ["archive/", `${ARCHIVE_FOLDER}/`],
] as const;

interface SiteFile {
  bytes: Buffer;
  modified: number;
}

export class Stage {
  readonly clock = new FakeClock();
  readonly log = new MemoryLog();
  /** What the site has, by path. */
  readonly site = new Map<string, SiteFile>();
  identity = "1:1";
  failure: string | undefined;
  /** Files that cannot be read. */
  readonly unreadable = new Set<string>();
  /** Paths that were read. */
  readonly reads: string[] = [];
  agentDisk = new MemoryDisk();
  hubDisk = new MemoryDisk();
  source!: InventorySource;
  lane!: Lane;
  box!: Box;
  hub!: InventoryLane;
  line!: Line;
  readonly refused: string[] = [];
  /** What hub.toml says besides. */
  config: object = {};
  /** Files in one part of a list. */
  listed: number | undefined;
  #starts = 0;

  put(path: string, text: string, modified = 1_700_000_000_000_000): void {
    this.site.set(path, { bytes: Buffer.from(text), modified });
  }

  #origin(): Origin {
    return {
      place: "/site",
      list: async () => {
        if (this.failure !== undefined) throw new Error(this.failure);
        const files: Listing["files"] = new Map();
        const left: Listing["left"] = new Map();
        for (const [path, { bytes, modified }] of this.site) {
          if (bytes.length > 1000) left.set(path, "it is larger than 1000 bytes");
          else files.set(path, { modified, size: bytes.length });
        }
        return { files, left, strange: [], identity: this.identity };
      },
      read: async (path) => {
        this.reads.push(path);
        if (this.unreadable.has(path)) throw new Error("EACCES");
        return this.site.get(path);
      },
    };
  }

  async startAgent(): Promise<void> {
    const { clock, log } = this;
    const disk = this.agentDisk;
    this.source = new InventorySource({
      origin: this.#origin(),
      disk,
      ledger: "/outbox/inventory.json",
      interval: INTERVAL,
      compare: COMPARE,
      hold: HOLD,
      ...(this.listed !== undefined && { listed: this.listed }),
      clock,
      random: new Dice(11 + this.#starts),
      log,
    });
    this.lane = await openLane({
      name: "inventory",
      directory: "/outbox/inventory",
      limits: { items: 1000, bytes: 1 << 30, age: Number.POSITIVE_INFINITY },
      random: new Dice(1000 + this.#starts++),
      source: this.source,
      disk,
      clock,
      log,
    });
  }

  async startHub(): Promise<void> {
    const disk = this.hubDisk;
    for (const folder of [FOLDER, ARCHIVE_FOLDER]) await disk.ensure(folder);
    this.hub = new InventoryLane(
      inventoryConfig.parse({
        sinks: { central: { folder: FOLDER, archive: ARCHIVE_FOLDER, tenants: ["acme"] } },
        ...this.config,
      }),
      { disk, clock: this.clock, log: this.log, directory: () => "/inbox/acme/main/inventory" },
    );
    this.box = await openBox(disk, {
      lane: this.hub.rules,
      sinks: this.hub.sinks(SENDER),
      directory: "/inbox/acme/main/inventory",
      clock: this.clock,
      refused: (reason) => this.refused.push(reason),
    });
  }

  connect(): void {
    this.line?.courier.stop();
    this.line = join(this.lane, async () => this.box);
    this.line.courier.wake();
  }

  async start(): Promise<this> {
    await this.startAgent();
    await this.startHub();
    this.connect();
    this.source.start(this.lane);
    await this.rest();
    return this;
  }

  async rest(rounds = 60): Promise<void> {
    for (let i = 0; i < rounds; i++) await settle();
  }

  /** One look at the site, and what follows from it. */
  async look(ms = INTERVAL): Promise<void> {
    this.clock.advance(ms);
    await this.rest();
  }

  /** What the hub's folders have, by path. */
  get mirrored(): Map<string, SiteFile> {
    const found = new Map<string, SiteFile>();
    for (const [name, bytes] of this.hubDisk.files) {
      for (const [tree, folder] of PREFIXES) {
        if (!name.startsWith(folder) || name.includes("/.")) continue;
        const modified = this.hubDisk.modified.get(name) ?? 0;
        found.set(`${tree}${name.slice(folder.length)}`, { bytes, modified });
      }
    }
    return found;
  }

  /** Names of files that are left beside those of the inventory. */
  get leftovers(): string[] {
    return [...this.hubDisk.files.keys()].filter((name) => name.includes("/.farsite"));
  }
}

/** In one order, for comparison. */
export function sorted(files: ReadonlyMap<string, SiteFile>): [string, string, number][] {
  return [...files]
    .map(([path, { bytes, modified }]): [string, string, number] => [path, bytes.toString("hex"), modified])
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
}

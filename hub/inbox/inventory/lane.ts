/** The lane of inventories, and its folders as hub.toml names them. */
import type { Clock } from "../../../common/clock.ts";
import type { Disk } from "../../../common/disk.ts";
import { reasonOf } from "../../../common/errors.ts";
import type { Log } from "../../../common/log.ts";
import {
  ARCHIVE,
  AROUND_FILE,
  INVENTORY,
  INVENTORY_LANE,
  LARGEST_LIST,
  partsOfPath,
} from "../../../common/outbox/index.ts";
import { type LaneRules, type Letter, prefixOf, type Sender } from "../letter/index.ts";
import type { InventoryConfig, InventorySinkConfig } from "./config.ts";
import { Holdings } from "./holdings.ts";
import { type FileRecord, readRecord } from "./record.ts";
import { type Folders, InventorySink } from "./sink.ts";
import { baseOf, fill, isApart } from "./template.ts";

export interface InventoryParts {
  disk: Disk;
  clock: Clock;
  log: Log;
  /** Where it is noted what a site has: in its box, with which it goes. */
  directory: (sender: Sender) => string;
}

interface Mirror {
  sink: InventorySink;
  loading: Promise<Holdings> | undefined;
  /** Once it was looked at. */
  holdings: Holdings | undefined;
}

export class InventoryLane {
  readonly rules: LaneRules;
  readonly #config: InventoryConfig;
  readonly #parts: InventoryParts;
  readonly #prefixes: ReadonlyMap<string, string>;
  /** By site, TENANT/SITE. */
  readonly #mirrors = new Map<string, Mirror[]>();

  constructor(config: InventoryConfig, parts: InventoryParts) {
    this.#config = config;
    this.#parts = parts;
    this.#prefixes = new Map(Object.entries(config.host_prefix));
    this.rules = {
      name: INVENTORY_LANE,
      longest: Math.max(this.#largest, LARGEST_LIST) + AROUND_FILE,
      check: (letter) => this.#check(letter),
    };
  }

  sinks(sender: Sender): InventorySink[] {
    return this.#of(sender).map(({ sink }) => sink);
  }

  /** A site is gone for good; its files stay. */
  forget({ tenant, site }: Sender): undefined {
    this.#mirrors.delete(`${tenant}/${site}`);
  }

  /** Saves what it knows; nothing may be under way any more. */
  async stop(): Promise<void> {
    for (const { holdings } of [...this.#mirrors.values()].flat()) {
      await holdings?.save().catch((error: unknown) => {
        this.#parts.log.error("what is in an inventory cannot be saved", { reason: reasonOf(error) });
      });
    }
  }

  get #largest(): number {
    return Math.floor(this.#config.file_mib * (1 << 20));
  }

  #of(sender: Sender): Mirror[] {
    const path = `${sender.tenant}/${sender.site}`;
    const known = this.#mirrors.get(path);
    if (known) return known;
    const made = Object.entries(this.#config.sinks)
      .filter(([, sink]) => this.#takes(sink, sender))
      .map(([name, sink]) => this.#open(name, sink, sender));
    this.#mirrors.set(path, made);
    return made;
  }

  /** Where tenants share a folder, only names that are a tenant's own may be written. */
  #takes({ tenants, folder, archive }: InventorySinkConfig, sender: Sender): boolean {
    if (tenants && !tenants.includes(sender.tenant)) return false;
    const apart = tenants?.length === 1 || (isApart(folder) && (archive === undefined || isApart(archive)));
    return apart || prefixOf(this.#prefixes, sender) !== undefined;
  }

  #open(name: string, { folder, archive }: InventorySinkConfig, sender: Sender): Mirror {
    const { disk, clock, directory } = this.#parts;
    const { files, mib } = this.#config;
    const place = (template: string) => ({ folder: fill(template, sender), base: baseOf(template) });
    const folders: Folders = {
      [INVENTORY]: place(folder),
      ...(archive !== undefined && { [ARCHIVE]: place(archive) }),
    };
    const holdings = (): Promise<Holdings> => {
      mirror.loading ??= Holdings.load(disk, directory(sender), `holdings-${name}.json`).then((loaded) => {
        mirror.holdings = loaded;
        return loaded;
      });
      mirror.loading.catch(() => {
        mirror.loading = undefined;
      });
      return mirror.loading;
    };
    const limits = { files, bytes: mib * (1 << 20) };
    const sink = new InventorySink({
      name,
      folders,
      holdings,
      known: () => mirror.holdings,
      limits,
      disk,
      clock,
    });
    const mirror: Mirror = { sink, loading: undefined, holdings: undefined };
    // for the status, before the site sends anything
    void holdings().catch(() => {});
    return mirror;
  }

  #check(letter: Pick<Letter, "tenant" | "site" | "kind" | "body">): void {
    const record = readRecord(letter);
    const prefix = prefixOf(this.#prefixes, letter) ?? "";
    const fits = (path: string): boolean => partsOfPath(path)?.names[0].startsWith(prefix) ?? false;
    if (record.kind === "gone" && !record.files.every(([path]) => fits(path))) throw other(prefix);
    if (record.kind !== "file") return;
    if (!fits(record.path)) throw other(prefix);
    if (record.size > this.#largest) throw new Error(`it is larger than ${this.#largest} bytes`);
    this.#checkRoom(letter, record);
  }

  #checkRoom(sender: Sender, { path, size }: FileRecord): void {
    const { files, mib } = this.#config;
    for (const { holdings } of this.#of(sender)) {
      if (!holdings) continue;
      const before = holdings.get(path);
      if (!before && holdings.size >= files) throw new Error(`the site has ${files} files already`);
      if (holdings.bytes - (before?.size ?? 0) + size > mib * (1 << 20)) {
        throw new Error(`the site's files have more than ${mib} MiB`);
      }
    }
  }
}

function other(prefix: string): Error {
  return new Error(`its host does not begin with ${prefix}`);
}

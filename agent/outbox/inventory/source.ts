/**
 * Mirrors a site's inventory to the hub: looks at it again and again, and queues what the hub does not have, a few files
 * at a time, each at most once. What waits in the lane gives way to what is newer.
 *
 * What the hub has is what it has confirmed; at the start, and now and then, the two compare (comparison.ts).
 */
import { hex } from "../../../common/bytes.ts";
import type { Clock, Timer } from "../../../common/clock.ts";
import type { Disk } from "../../../common/disk.ts";
import { reasonOf } from "../../../common/errors.ts";
import type { Log } from "../../../common/log.ts";
import { pack } from "../../../common/msgpack.ts";
import { MOST_LISTED } from "../../../common/outbox/index.ts";
import type { Random } from "../../../common/random.ts";
import { Runs } from "../../../common/runs.ts";
import { Seldom } from "../../../common/seldom.ts";
import { type ItemMeta, ItemTooLarge, type Lane, type Source } from "../lane/index.ts";
import { Comparison } from "./comparison.ts";
import { type Held, heldAs, isSame, Ledger } from "./ledger.ts";
import { type Content, type Listing, type Origin, Unreachable } from "./origin.ts";
import { type Plan, planOf } from "./plan.ts";
import { metaOf, type OtherRecord, type Record, recordOf } from "./record.ts";

export interface InventorySourceOptions {
  origin: Origin;
  disk: Disk;
  /** Where it is noted what the hub has. */
  ledger: string;
  /** ms between two looks. */
  interval: number;
  /** ms after which the two agree anew on what the hub has. */
  compare: number;
  /** Files in one part of the list by which they do; default MOST_LISTED, the most that is allowed. */
  listed?: number;
  /** ms for which the hub keeps files where many are gone at once. */
  hold: number;
  clock: Clock;
  random: Random;
  log: Log;
}

export interface InventoryStatus {
  /** The folder, or the core. */
  from: string;
  /** What the hub has of it, as far as it has confirmed it. */
  files: number;
  bytes: number;
  /** New or changed, and not confirmed yet. */
  missing: number;
  /** Gone, and kept at the hub until it is certain. */
  held: number;
  /** There, but not mirrored: too large, a link, too many. */
  left: number;
  /** Since the agent's start. */
  sent: number;
  removed: number;
  refused: number;
  /** When the hub had everything, ms since the epoch. */
  synced: number | undefined;
  /** Why it is not looked at now. */
  problem: string | undefined;
}

/** Files that wait in the lane, and bytes of them; further ones stay where they are. */
const WINDOW = 64;
const WINDOW_BYTES = 16 << 20;
/** ms between two times that the ledger is saved, and that the hub is told that it has everything. */
const SAVE = 30_000;
const TELL = 3_600_000;
/** ms between two times that the same is said of a file. */
const QUIET = 86_400_000;
const ID_BYTES = 8;

export class InventorySource implements Source {
  readonly #options: InventorySourceOptions;
  readonly #ledger: Ledger;
  readonly #running = new Runs(() => this.#work());
  readonly #comparison: Comparison;
  readonly #seldom: Seldom;
  #lane: Lane | undefined;
  #timer: Timer | undefined;
  #due = false;
  #stopped = false;
  #listing: Listing | undefined;
  #plan: Plan = { changed: [], gone: [], held: new Set() };
  /** How far the plan's changes were gone through. */
  #at = 0;
  /** Files in the lane, by path, with their bytes. */
  readonly #pending = new Map<string, number>();
  #pendingBytes = 0;
  /** What items in the lane say of several files that are gone, by their ids. */
  readonly #leaving = new Map<string, [path: string, held: Held][]>();
  /** Files that the hub will not have as they are. */
  readonly #refused = new Map<string, Held>();
  /** Files of which the hub wants everything, although only their time has changed. */
  readonly #wanted = new Set<string>();
  #heldSince: number | undefined;
  #saved = 0;
  /** When the hub was told that it has everything, and whether anything has changed since. */
  #told = Number.NEGATIVE_INFINITY;
  #news = true;
  #synced: number | undefined;
  #sent = 0;
  #removed = 0;
  #refusals = 0;
  #problem: string | undefined;

  constructor(options: InventorySourceOptions) {
    this.#options = options;
    this.#ledger = new Ledger(options.disk, options.ledger);
    this.#seldom = new Seldom(options.clock, QUIET);
    this.#comparison = new Comparison({
      ledger: this.#ledger,
      read: (path) => this.#read(path),
      queue: (id, body) => this.#queue({ kind: "list", id }, body),
      newId: () => this.#newId(),
      every: options.compare,
      most: options.listed ?? MOST_LISTED,
      clock: options.clock,
    });
  }

  start(lane: Lane): void {
    this.#lane = lane;
    void this.#ledger
      .load()
      .catch((error: unknown) => this.#fails(`what the hub has cannot be read: ${reasonOf(error)}`))
      .then(() => this.#tick());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#running.idle;
    if (this.#lane) await this.#save().catch((error: unknown) => this.#fails(reasonOf(error)));
  }

  status(): InventoryStatus {
    return {
      from: this.#options.origin.place,
      files: this.#ledger.files.size,
      bytes: this.#ledger.bytes,
      missing: this.#plan.changed.length - this.#at + this.#pending.size,
      held: this.#plan.held.size,
      left: this.#listing?.left.size ?? 0,
      sent: this.#sent,
      removed: this.#removed,
      refused: this.#refusals,
      synced: this.#synced,
      problem: this.#problem,
    };
  }

  #tick(): void {
    if (this.#stopped) return;
    this.#timer = this.#options.clock.after(this.#options.interval, () => this.#tick());
    this.#due = true;
    this.#running.ask();
  }

  async #work(): Promise<void> {
    const lane = this.#lane;
    if (!lane || this.#stopped) return;
    try {
      if (this.#due) await this.#look(lane);
      this.#due = false;
      if (!this.#listing || this.#stopped) return;
      if (this.#comparison.going) await this.#comparison.tell(this.#listing, this.#plan.held);
      else await this.#fill(lane, this.#listing);
      if (this.#problem !== undefined) this.#options.log.info("the inventory is mirrored again");
      this.#problem = undefined;
    } catch (error) {
      // with the next look everything is tried again
      this.#due = false;
      this.#fails(reasonOf(error));
    }
  }

  async #look(lane: Lane): Promise<void> {
    this.#listing = undefined;
    const listing = await this.#options.origin.list();
    this.#say(listing);
    await this.#takeBack(lane, listing);
    this.#listing = listing;
    this.#makePlan(listing);
    this.#comparison.look(listing.files.size === 0 && this.#ledger.files.size === 0);
  }

  #makePlan(listing: Listing): void {
    const { clock, hold, log } = this.#options;
    const waited = this.#heldSince === undefined ? 0 : clock.now() - this.#heldSince;
    const before = this.#plan.held.size;
    this.#plan = planOf(listing, this.#ledger, waited, hold);
    this.#at = 0;
    const held = this.#plan.held.size;
    if (held === 0) {
      this.#heldSince = undefined;
      this.#ledger.identity = listing.identity;
    } else {
      this.#heldSince ??= clock.now();
      if (before === 0) log.warn("many files are gone at once; the hub keeps them", { files: held });
    }
  }

  /** Takes back what waits in the lane and is not so any more. */
  async #takeBack(lane: Lane, { files }: Listing): Promise<void> {
    const withdrawn = await lane.withdraw((item) => {
      const record = recordOf(item);
      if (!("path" in record)) return record.kind === "list" && !this.#comparison.isPart(record.id);
      const version = files.get(record.path);
      return version === undefined || !isSame(version, record);
    });
    for (const item of withdrawn) {
      const record = recordOf(item);
      if ("path" in record) this.#release(record.path);
    }
  }

  /** Queues what the hub does not have, as long as there is room. */
  async #fill(lane: Lane, listing: Listing): Promise<void> {
    await this.#tellGone();
    const { changed } = this.#plan;
    while (this.#at < changed.length && this.#pending.size < WINDOW && this.#pendingBytes < WINDOW_BYTES) {
      if (this.#stopped) return;
      const path = changed[this.#at++] as string;
      const version = listing.files.get(path);
      if (!version || this.#pending.has(path) || isSame(version, this.#refused.get(path))) continue;
      const content = await this.#read(path);
      if (content) await this.#send(path, content);
    }
    if (this.#at === changed.length && this.#pending.size === 0 && this.#leaving.size === 0) {
      await this.#complete(lane);
    }
    if (this.#options.clock.now() - this.#saved >= SAVE) await this.#save();
  }

  async #tellGone(): Promise<void> {
    const known = new Set([...this.#leaving.values()].flat().map(([path]) => path));
    const gone = this.#plan.gone.splice(0).flatMap((path): [string, Held][] => {
      const held = this.#ledger.files.get(path);
      return held && !known.has(path) ? [[path, held]] : [];
    });
    for (let at = 0; at < gone.length; at += MOST_LISTED) {
      const some = gone.slice(at, at + MOST_LISTED);
      const id = this.#newId();
      const files = some.map(([path, { modified, size }]) => [path, modified, size]);
      this.#leaving.set(id, some);
      await this.#queue({ kind: "gone", id }, { files }).catch((error: unknown) => {
        this.#leaving.delete(id);
        throw error;
      });
    }
  }

  async #send(path: string, content: Content): Promise<void> {
    const held = heldAs(content);
    const { modified, size, digest } = held;
    const known = this.#ledger.files.get(path);
    if (isSame(held, known)) return;
    const same = known?.digest === digest;
    this.#hold(path, size);
    try {
      if (same) {
        const body = { path, modified, size, digest: Buffer.from(digest, "hex") };
        await this.#queue({ kind: "time", path, ...held }, body);
      } else {
        const body = { path, modified, bytes: content.bytes };
        await this.#queue({ kind: "file", path, ...held }, body);
      }
    } catch (error) {
      this.#release(path);
      if (!(error instanceof ItemTooLarge)) throw error;
      this.#refused.set(path, held);
      this.#passOver(path, error.message);
    }
  }

  /** The hub has everything that is here. */
  async #complete(lane: Lane): Promise<void> {
    const { clock } = this.#options;
    this.#synced = clock.wall();
    if (!this.#news && clock.now() - this.#told < TELL) return;
    await lane.withdraw((item) => recordOf(item).kind === "complete");
    const { files, bytes } = this.#ledger;
    await this.#queue({ kind: "complete", id: this.#newId() }, { files: files.size, bytes });
    this.#told = clock.now();
    this.#news = false;
    await this.#save();
  }

  async #queue(record: Record, body: object): Promise<void> {
    const time = "path" in record ? record.modified / 1000 : this.#options.clock.wall();
    const lane = this.#lane;
    if (lane) await lane.append(metaOf(record, time), lane.seal(pack(body)));
  }

  /** Undefined when it is gone, null when it cannot be read; that is said. */
  async #read(path: string): Promise<Content | undefined | null> {
    try {
      return await this.#options.origin.read(path);
    } catch (error) {
      if (error instanceof Unreachable) throw error;
      this.#passOver(path, reasonOf(error));
      return null;
    }
  }

  queued(item: ItemMeta): void {
    const record = recordOf(item);
    if ("path" in record) this.#hold(record.path, record.size);
  }

  async landed(items: readonly ItemMeta[]): Promise<void> {
    for (const item of items) {
      const record = recordOf(item);
      if ("path" in record) this.#landedFile(record);
      else this.#landedOther(record);
    }
    this.#running.ask();
  }

  #landedFile({ kind, path, modified, size, digest }: Extract<Record, { path: string }>): void {
    this.#release(path);
    this.#refused.delete(path);
    this.#news = true;
    // its time alone was of no use there
    if (kind === "time" && this.#wanted.has(path)) {
      this.#ledger.files.delete(path);
      this.#plan.changed.push(path);
      return;
    }
    this.#wanted.delete(path);
    this.#ledger.files.set(path, { modified, size, digest });
    this.#sent++;
  }

  #landedOther({ kind, id }: OtherRecord): void {
    if (kind === "gone") {
      for (const [path, held] of this.#leaving.get(id) ?? []) {
        if (this.#ledger.files.get(path) === held) this.#ledger.files.delete(path);
        this.#removed++;
      }
      this.#leaving.delete(id);
      this.#news = true;
    }
    if (kind === "list" && this.#comparison.landed(id) && this.#listing) this.#makePlan(this.#listing);
  }

  async answered(item: ItemMeta, answer: Uint8Array): Promise<void> {
    const record = recordOf(item);
    const wants = (at: number): boolean => (((answer[at >> 3] ?? 0) >> (at & 7)) & 1) === 1;
    if ("path" in record) {
      if (wants(0)) this.#wanted.add(record.path);
      return;
    }
    if (record.kind === "list") this.#comparison.answered(record.id, wants);
  }

  async failed(item: ItemMeta, reason: string): Promise<void> {
    this.#refusals++;
    const record = recordOf(item);
    if ("path" in record) {
      this.#release(record.path);
      this.#refused.set(record.path, record);
      this.#passOver(record.path, reason);
    } else if (record.kind === "gone") this.#leaving.delete(record.id);
    else if (this.#comparison.isPart(record.id)) {
      this.#comparison.failed();
      this.#fails(reason);
    }
    this.#running.ask();
  }

  #hold(path: string, size: number): void {
    this.#release(path);
    this.#pending.set(path, size);
    this.#pendingBytes += size;
  }

  #release(path: string): void {
    this.#pendingBytes -= this.#pending.get(path) ?? 0;
    this.#pending.delete(path);
  }

  async #save(): Promise<void> {
    this.#saved = this.#options.clock.now();
    await this.#ledger.save();
  }

  #newId(): string {
    return hex(this.#options.random.bytes(ID_BYTES));
  }

  #say({ left, strange }: Listing): void {
    for (const [path, reason] of left) this.#passOver(path, reason);
    for (const name of strange) this.#passOver(name, "its name is none of an inventory");
  }

  #passOver(file: string, reason: string): void {
    if (this.#seldom.due(`${file} ${reason}`)) {
      this.#options.log.error("a file of the inventory is not mirrored", { file, reason });
    }
  }

  #fails(problem: string): void {
    if (this.#problem !== problem) {
      this.#options.log.error("the inventory is not mirrored", { reason: problem });
    }
    this.#problem = problem;
  }
}

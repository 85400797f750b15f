/**
 * One lane of the outbox: items of one kind of importance, in order, on disk until the hub has them.
 *
 * Every start of the agent begins an epoch of its own, with a directory of its own and numbers from 1. So a number
 * never means two things, not even where a disk comes back as it was before: from a backup, or because the removal of
 * a file was lost in a power cut.
 */

import { join } from "node:path";
import { z } from "zod";
import { fixedBytes, hex } from "../../../common/bytes.ts";
import type { Clock, Timer } from "../../../common/clock.ts";
import type { Disk } from "../../../common/disk.ts";
import { FarsiteError, reasonOf } from "../../../common/errors.ts";
import type { Log } from "../../../common/log.ts";
import { Meter } from "../../../common/meter.ts";
import { EPOCH_BYTES, KEY_BYTES, MAX_SEALED, type Sealer } from "../../../common/outbox/index.ts";
import { type Entry, Queue } from "../../../common/queue/index.ts";
import type { Random } from "../../../common/random.ts";
import { Runs } from "../../../common/runs.ts";

const itemMeta = z.object({
  key: fixedBytes(KEY_BYTES),
  kind: z.string(),
  /** When it came to be, ms since the epoch. */
  time: z.number(),
  /** Where it came from, in the words of its source. */
  source: z.string(),
});
export type ItemMeta = z.output<typeof itemMeta>;

export interface LaneLimits {
  items: number;
  bytes: number;
  /** ms after which an item is given up; Infinity: never. */
  age: number;
}

/** Whoever puts items into a lane hears what became of them. */
export interface Source {
  /** This one is queued since before the start. It may have landed then already, which is said again. */
  queued(item: ItemMeta): void;
  /** The hub has these: what they came from is not needed any more. What it throws makes it be called again. */
  landed(items: readonly ItemMeta[]): Promise<void>;
  /** The hub will never take this one, or it was given up. */
  failed(item: ItemMeta, reason: string): Promise<void>;
  /** What the hub says to an item that asks something; said before it has landed, and maybe more than once. */
  answered?(item: ItemMeta, answer: Uint8Array): Promise<void>;
}

export interface LaneOptions {
  name: string;
  disk: Disk;
  directory: string;
  sealer: Sealer;
  limits: LaneLimits;
  /** What gives way when the lane is full: a new item, which its source keeps, or the oldest that is not under way. */
  full: "refuse" | "oldest";
  source: Source;
  clock: Clock;
  random: Random;
  log: Log;
}

export interface LaneStatus {
  lane: string;
  items: number;
  bytes: number;
  /** ms since the epoch: when the oldest item came to be. */
  oldest: number | undefined;
  /** Items queued and landed within the last minute. */
  queuedPerMinute: number;
  landedPerMinute: number;
  /** Since the agent's start. */
  landed: number;
  refused: number;
  givenUp: number;
  /** Gave way to newer ones. */
  superseded: number;
  damaged: number;
  /** Why it takes no more items, or cannot get rid of them. */
  problem: string | undefined;
}

/** A run of numbers. */
export interface Epoch {
  readonly id: Buffer;
  readonly queue: Queue<ItemMeta>;
  readonly directory: string;
  /** Up to here the hub has everything. */
  acknowledged: number;
  /** Up to here items are under way to it, and give way to no other. */
  underWay: number;
}

const EPOCH = /^(\d{8})-([\da-f]{32})$/;
/** ms until what the source could not let go of is tried again. */
const RETRY = 10_000;
/** Items that a source is told of at once. */
const SETTLED_AT_ONCE = 256;

/** No lane takes an item of that size, however empty it is. */
export class ItemTooLarge extends FarsiteError {
  constructor() {
    super("E_LIMIT", `an item takes more than ${MAX_SEALED} bytes`);
  }
}

export class Lane {
  readonly #options: LaneOptions;
  readonly #epochs: Epoch[] = [];
  /** The one that this start began, once it has an item. */
  #current: Promise<Epoch> | undefined;
  #sequence = 0;
  #pending = { items: 0, bytes: 0 };
  readonly #settling = new Runs(() => this.#settle());
  readonly #trimming = new Runs(() => this.#trim());
  #retry: Timer | undefined;
  #problem: string | undefined;
  #closed = false;
  readonly #queued: Meter;
  readonly #landed: Meter;
  #refused = 0;
  #givenUp = 0;
  #superseded = 0;
  #damaged = 0;
  /** Called when there is something to send, or what was in front is gone. */
  onChange: () => void = () => {};

  private constructor(options: LaneOptions) {
    this.#options = options;
    this.#queued = new Meter(options.clock);
    this.#landed = new Meter(options.clock);
  }

  static async open(options: LaneOptions): Promise<Lane> {
    const { disk, directory } = options;
    const lane = new Lane(options);
    await disk.ensure(directory);
    for (const name of (await disk.list(directory)).toSorted()) {
      const [, sequence, id] = EPOCH.exec(name) ?? [];
      if (sequence === undefined || id === undefined) continue;
      lane.#sequence = Math.max(lane.#sequence, Number(sequence));
      const epoch = await lane.#open(name, id);
      if (epoch.queue.length > 0) lane.#epochs.push(epoch);
      else await disk.remove(epoch.directory);
    }
    return lane;
  }

  async #open(name: string, id: string): Promise<Epoch> {
    const { disk, directory, source, log } = this.#options;
    const path = join(directory, name);
    const queue = await Queue.open({
      disk,
      directory: path,
      meta: itemMeta,
      aside: join(directory, "aside"),
      found: (_, meta) => source.queued(meta),
      damaged: (item, reason) => {
        this.#damaged++;
        log.error("a queued item is damaged and was set aside", { lane: this.name, item, reason });
      },
    });
    return { id: Buffer.from(id, "hex"), queue, directory: path, acknowledged: 0, underWay: 0 };
  }

  get name(): string {
    return this.#options.name;
  }

  get length(): number {
    return this.#epochs.reduce((sum, { queue }) => sum + queue.length, 0);
  }

  get #bytes(): number {
    return this.#epochs.reduce((sum, { queue }) => sum + queue.bytes, 0);
  }

  /** Whether an item is under way to the hub. */
  get underWay(): boolean {
    return this.#epochs.some(({ underWay, acknowledged }) => underWay > acknowledged);
  }

  /** The epoch that is to be sent now; all before it are done. */
  get front(): Epoch | undefined {
    return this.#epochs.find(({ queue }) => queue.length > 0);
  }

  /** Packs and seals a body. It takes up to some ms: who has many leaves others a turn between them. Throws ItemTooLarge. */
  seal(body: Uint8Array): Buffer {
    const sealed = this.#options.sealer.seal(body);
    if (sealed.length > MAX_SEALED) throw new ItemTooLarge();
    return sealed;
  }

  /**
   * Queues an item that was sealed, and resolves once it would survive a power cut. Throws E_LIMIT when the lane is full, E_STATE
   * when the disk is; then the source still has it, and whatever it gave after this one.
   */
  async append(meta: ItemMeta, sealed: Buffer): Promise<void> {
    if (this.#options.full === "refuse" && this.#over(1, sealed.length)) {
      throw this.#cannot("E_LIMIT", `the outbox is full: ${this.length} items, ${this.#bytes} bytes`);
    }
    this.#pending.items++;
    this.#pending.bytes += sealed.length;
    try {
      this.#current ??= this.#begin();
      // nothing else is waited for, so that items stay in the order in which they came
      const epoch = await this.#current;
      await epoch.queue.append(meta, sealed);
    } catch (error) {
      throw this.#cannot("E_STATE", `the outbox cannot be written: ${reasonOf(error)}`);
    } finally {
      this.#pending.items--;
      this.#pending.bytes -= sealed.length;
    }
    this.#problem = undefined;
    this.#queued.add();
    this.onChange();
    if (this.#options.full === "oldest") this.#trimming.ask();
  }

  /** Whether so much more would be too much. */
  #over(items: number, bytes: number): boolean {
    const { limits } = this.#options;
    return (
      this.length + this.#pending.items + items > limits.items ||
      this.#bytes + this.#pending.bytes + bytes > limits.bytes
    );
  }

  #begin(): Promise<Epoch> {
    const id = hex(this.#options.random.bytes(EPOCH_BYTES));
    const name = `${String(++this.#sequence).padStart(8, "0")}-${id}`;
    const begun = this.#open(name, id).then(async (epoch) => {
      await this.#options.disk.sync(this.#options.directory);
      this.#epochs.push(epoch);
      return epoch;
    });
    begun.catch(() => {
      this.#current = undefined;
    });
    return begun;
  }

  /** Gives up what is too old. Whoever runs the lane calls it now and then. */
  expire(): void {
    this.#trimming.ask();
  }

  /** Gives up what is too old, and what is too much, where it is the oldest that give way. */
  async #trim(): Promise<void> {
    const { clock, limits, log } = this.#options;
    try {
      for (let front = this.front; front; front = this.front) {
        const oldest = front.queue.first;
        // what the hub has is only not let go of yet
        if (!oldest || oldest.number <= front.acknowledged) break;
        if (clock.wall() - oldest.time <= limits.age) break;
        this.#givenUp++;
        await this.#giveUp(front, oldest, "it is too old");
      }
      for (let next = this.#givesWay(); next; next = this.#givesWay()) {
        this.#superseded++;
        await this.#giveUp(next.epoch, next.entry, "newer ones took its place");
      }
    } catch (error) {
      log.error("an item cannot be given up", { lane: this.name, reason: reasonOf(error) });
    }
  }

  /** The oldest item that is not under way, where the lane is full and it is not the newest. */
  #givesWay(): { epoch: Epoch; entry: Entry } | undefined {
    if (this.#options.full !== "oldest" || !this.#over(0, 0)) return undefined;
    const waiting = this.#epochs.flatMap((epoch) =>
      [...epoch.queue.entries()]
        .filter(({ number }) => number > Math.max(epoch.acknowledged, epoch.underWay))
        .map((entry) => ({ epoch, entry })),
    );
    return waiting.length > 1 ? waiting[0] : undefined;
  }

  async #giveUp(epoch: Epoch, entry: Entry, reason: string): Promise<void> {
    const [meta] = await epoch.queue.metas([entry]);
    if (meta) {
      const level = this.#options.full === "oldest" ? "debug" : "error";
      this.#options.log[level]("an item was given up", { lane: this.name, item: meta.source, reason });
      await this.#options.source.failed(meta, reason);
      await epoch.queue.withdraw(entry);
    }
    await this.#leave(epoch);
  }

  /** Takes items back that something newer takes the place of, unless they are under way; their source is not told. */
  async withdraw(which: (item: ItemMeta) => boolean): Promise<ItemMeta[]> {
    const withdrawn: ItemMeta[] = [];
    for (const epoch of [...this.#epochs]) {
      for (const entry of [...epoch.queue.entries()]) {
        const waits = (): boolean => entry.number > Math.max(epoch.acknowledged, epoch.underWay);
        const [meta] = waits() ? await epoch.queue.metas([entry]) : [];
        if (!meta || !waits() || !which(meta)) continue;
        await epoch.queue.withdraw(entry);
        withdrawn.push(meta);
      }
      await this.#leave(epoch);
    }
    this.#superseded += withdrawn.length;
    return withdrawn;
  }

  /** The hub says something to an item. */
  async answer(epoch: Epoch, number: number, answer: Uint8Array): Promise<void> {
    const entry = epoch.queue.get(number);
    const [meta] = entry ? await epoch.queue.metas([entry]) : [];
    if (meta) await this.#options.source.answered?.(meta, answer);
  }

  /** The hub has everything of this epoch up to a number. */
  acknowledge(epoch: Epoch, number: number): void {
    epoch.acknowledged = Math.max(epoch.acknowledged, number);
    this.#settling.ask();
  }

  /** Lets sources and files go that the hub has. */
  async #settle(): Promise<void> {
    if (this.#retry) return;
    try {
      for (let done = this.#done(); done && !this.#closed; done = this.#done()) {
        const { epoch, entries } = done;
        // the source first: a file that is gone cannot come again, an item that is gone can
        await this.#options.source.landed(await epoch.queue.metas(entries));
        await epoch.queue.remove(entries);
        this.#landed.add(entries.length);
        await this.#leave(epoch);
      }
      this.#problem = undefined;
    } catch (error) {
      this.#cannot("E_STATE", `what has landed cannot be removed: ${reasonOf(error)}`);
      this.#retry = this.#options.clock.after(RETRY, () => {
        this.#retry = undefined;
        this.#settling.ask();
      });
    }
  }

  #done(): { epoch: Epoch; entries: Entry[] } | undefined {
    for (const epoch of this.#epochs) {
      const entries: Entry[] = [];
      for (const entry of epoch.queue.entries()) {
        if (entry.number > epoch.acknowledged || entries.length >= SETTLED_AT_ONCE) break;
        entries.push(entry);
      }
      if (entries.length > 0) return { epoch, entries };
    }
    return undefined;
  }

  /** The hub will never take an item: it is set aside, and the next one's turn. */
  async refuse(epoch: Epoch, number: number, reason: string): Promise<void> {
    const entry = epoch.queue.get(number);
    const [meta] = entry ? await epoch.queue.metas([entry]) : [];
    if (!entry || !meta) return;
    this.#refused++;
    this.#options.log.error("the hub refused an item", { lane: this.name, item: meta.source, reason });
    await this.#options.source.failed(meta, `the hub refused it: ${reason}`);
    await epoch.queue.setAside(entry);
    await this.#leave(epoch);
  }

  /** Removes the directory of an epoch that is done, durably: its items must not come again. */
  async #leave(epoch: Epoch): Promise<void> {
    const { disk, directory } = this.#options;
    const current = this.#current && (await this.#current.catch(() => undefined));
    if (epoch.queue.length > 0 || epoch === current) return;
    await disk.remove(epoch.directory);
    await disk.sync(directory);
    const at = this.#epochs.indexOf(epoch);
    if (at !== -1) this.#epochs.splice(at, 1);
    this.onChange();
  }

  #cannot(code: "E_LIMIT" | "E_STATE", what: string): FarsiteError {
    if (this.#problem !== what) this.#options.log.error(what, { lane: this.name });
    this.#problem = what;
    return new FarsiteError(code, what);
  }

  status(): LaneStatus {
    return {
      lane: this.name,
      items: this.length,
      bytes: this.#bytes,
      oldest: this.front?.queue.first?.time,
      queuedPerMinute: this.#queued.perMinute,
      landedPerMinute: this.#landed.perMinute,
      landed: this.#landed.total,
      refused: this.#refused,
      givenUp: this.#givenUp,
      superseded: this.#superseded,
      damaged: this.#damaged,
      problem: this.#problem,
    };
  }

  /** No source is told anything any more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#retry?.cancel();
    await Promise.all([this.#settling.idle, this.#trimming.idle]);
  }
}

/**
 * A durable queue: a directory of files, numbered in order. An item is in the queue once its file has its number as its
 * name and the directory is flushed. So after a crash each item is there whole, or not at all.
 *
 * Items that come together share a file, and so its flush: to make, flush and remove a file is most of what an item
 * costs. Their file leaves when the last of them does; who opens the queue before that finds all of them.
 *
 * In memory are four numbers of each item and nothing else of it, so that a queue may become long.
 */
import { join } from "node:path";
import type { z } from "zod";
import { allDone } from "../all-done.ts";
import type { Disk } from "../disk.ts";
import { reasonOf } from "../errors.ts";
import { pack, unpack } from "../msgpack.ts";
import { encodeItem, GONE, HEAD, MAX_META, readItem, readMeta } from "./item-file.ts";

/** What is known of an item without reading its file. */
export interface Entry {
  readonly number: number;
  /** Bytes that it takes in its file. */
  readonly size: number;
  /** When it came to be, ms since the epoch. */
  readonly time: number;
}

/** What a queue's owner wants to know of an item without reading its body. */
export interface Meta {
  time: number;
}

export interface QueueOptions<M extends Meta> {
  disk: Disk;
  directory: string;
  meta: z.ZodType<M>;
  /** Where files go that are damaged or set aside; at most MOST_ASIDE of them are kept. */
  aside: string;
  /** No number up to this one is given again. Default 0. */
  after?: number;
  /** An item cannot be read, and was set aside. */
  damaged: (name: string, reason: string) => void;
  /** An item is there from before. Called in order, while the queue is opened. */
  found?: (entry: Entry, meta: M) => void;
}

/** Items that share a file, and bytes of them after which there come no more. */
const BATCH = 64;
const FILE_BYTES = 256 << 10;
/** Files read at a time when a queue is opened, and bytes of them read at once; nobody else waits then. */
const OPENING = 8;
const OPENED = 64 << 10;
/** Files read, or items removed, at a time later. */
const AT_ONCE = 8;
/** Files that are set aside and kept for people to look at; further ones are only reported. */
export const MOST_ASIDE = 100;

const NAME = /^\d{12}$/;
const nameOf = (number: number): string => String(number).padStart(12, "0");

interface Waiting<M> {
  meta: M;
  body: Uint8Array;
  done: PromiseWithResolvers<Entry>;
}

/** An item in its file. */
interface Place {
  /** The number of the file's first item, which is its name. */
  first: number;
  offset: number;
}

/** Items behind one another in a file. */
interface Range extends Place {
  entries: Entry[];
}

export class Queue<M extends Meta> {
  readonly #options: QueueOptions<M>;
  /** By number, in order; in maps of their own, since numbers take less than objects. */
  readonly #sizes = new Map<number, number>();
  readonly #times = new Map<number, number>();
  /** Of items behind others in a file: the offset times BATCH, and how many are before it. */
  readonly #places = new Map<number, number>();
  /** By their first item: how many items are left in files that had several. */
  readonly #left = new Map<number, number>();
  #bytes = 0;
  #next: number;
  #waiting: Waiting<M>[] = [];
  #writing = false;
  /** Items are taken out for good one after the other: each writes its file anew. */
  #withdrawing: Promise<void> = Promise.resolve();
  /** How many items share a file now. */
  #together = BATCH;

  private constructor(options: QueueOptions<M>) {
    this.#options = options;
    this.#next = (options.after ?? 0) + 1;
  }

  /** Opens the queue in a directory, which need not exist. What a crash left unfinished is removed. */
  static async open<M extends Meta>(options: QueueOptions<M>): Promise<Queue<M>> {
    const { disk, directory } = options;
    const queue = new Queue(options);
    await disk.ensure(directory);
    const names = (await disk.list(directory)).toSorted();
    for (const name of names) if (!NAME.test(name)) await disk.remove(join(directory, name));
    const numbered = names.filter((name) => NAME.test(name));
    for (let at = 0; at < numbered.length; at += OPENING) {
      const some = numbered.slice(at, at + OPENING);
      const read = await Promise.all(some.map((name) => queue.#load(name, name === numbered.at(-1))));
      for (const [index, items] of read.entries()) queue.#found(Number(some[index]), items);
    }
    return queue;
  }

  #found(first: number, items: readonly { entry: Entry; offset: number; meta: M }[]): void {
    for (const { entry, offset, meta } of items) {
      this.#add(entry, { first, offset });
      this.#next = Math.max(this.#next, entry.number + 1);
      this.#options.found?.(entry, meta);
    }
    if (items.length > 1) this.#left.set(first, items.length);
  }

  /** The items of a file, which may be the last one. */
  async #load(name: string, last: boolean): Promise<{ entry: Entry; offset: number; meta: M }[]> {
    const { disk, directory, damaged } = this.#options;
    const path = join(directory, name);
    const items: { entry: Entry; offset: number; meta: M }[] = [];
    let [offset, number] = [0, Number(name)];
    try {
      let [from, file] = [0, await disk.head(path, OPENED)];
      do {
        if (offset + HEAD + MAX_META > from + file.bytes.length && from + file.bytes.length < file.size)
          [from, file] = [offset, await disk.head(path, OPENED, offset)];
        const start = file.bytes.subarray(offset - from, offset - from + HEAD + MAX_META);
        const { meta: packed, size, gone } = readMeta(start, file.size - offset);
        if (!gone) {
          const meta = this.#unpack(packed);
          items.push({ entry: { number, size, time: meta.time }, offset, meta });
        }
        offset += size;
        number++;
      } while (offset < file.size);
      if (last) this.#next = Math.max(this.#next, number);
      if (items.length === 0) await disk.remove(path);
    } catch (error) {
      // how many there were behind it nobody knows
      if (last) this.#next = Math.max(this.#next, Number(name) + BATCH);
      if (items.length === 0) await this.#moveAside(name);
      else await this.#copyAside(name, { first: Number(name), offset }, Number.POSITIVE_INFINITY);
      damaged(name, reasonOf(error));
    }
    return items;
  }

  #unpack(meta: Buffer): M {
    // a copy: what is kept of it must not keep all that was read of the file
    return unpack(this.#options.meta, Buffer.from(meta), "its meta");
  }

  get length(): number {
    return this.#sizes.size;
  }

  /** Bytes of all its items. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The number that the next item gets. */
  get next(): number {
    return this.#next;
  }

  /** All entries, in order. */
  *entries(): Generator<Entry> {
    for (const [number, size] of this.#sizes) yield { number, size, time: this.#times.get(number) ?? 0 };
  }

  get(number: number): Entry | undefined {
    const size = this.#sizes.get(number);
    return size === undefined ? undefined : { number, size, time: this.#times.get(number) ?? 0 };
  }

  /** The entry in front. */
  get first(): Entry | undefined {
    const { value } = this.#sizes.keys().next();
    return value === undefined ? undefined : this.get(value);
  }

  /** The first entry behind a number. */
  behind(number: number): Entry | undefined {
    // mostly the next one is there: no need to go through those in front
    const next = this.get(number + 1);
    if (next) return next;
    for (const each of this.#sizes.keys()) if (each > number) return this.get(each);
    return undefined;
  }

  /**
   * Adds an item, and resolves once it would survive a power cut. Rejects with what the disk says; whatever was to be
   * added after it then fails too, so that the order stays.
   */
  append(meta: M, body: Uint8Array): Promise<Entry> {
    const done = Promise.withResolvers<Entry>();
    this.#waiting.push({ meta, body, done });
    if (!this.#writing) void this.#write();
    return done.promise;
  }

  async #write(): Promise<void> {
    this.#writing = true;
    while (this.#waiting.length > 0) {
      const batch = this.#batch();
      const failure = await this.#writeBatch(batch);
      if (failure === undefined) this.#together = BATCH;
      else if (failure.taken || batch.length === 1) {
        for (const { done } of [...batch, ...this.#waiting.splice(0)]) done.reject(failure.reason);
      } else {
        // a disk that is nearly full may have room for some of them
        this.#waiting.unshift(...batch);
        this.#together = batch.length >> 1;
      }
    }
    this.#writing = false;
  }

  /** The next ones that share a file. */
  #batch(): Waiting<M>[] {
    let [items, bytes] = [0, 0];
    for (; items < this.#together && bytes < FILE_BYTES; items++) {
      bytes += this.#waiting[items]?.body.length ?? FILE_BYTES;
    }
    return this.#waiting.splice(0, items);
  }

  /** Writes items into a file, and settles them once they are safe; gives what failed, and whether they are there all the same. */
  async #writeBatch(batch: readonly Waiting<M>[]): Promise<{ reason: unknown; taken: boolean } | undefined> {
    const { disk, directory } = this.#options;
    const temporary = join(directory, ".new");
    const encoded = batch.map(({ meta, body }) => encodeItem(pack(meta), body));
    const first = this.#next;
    let failure: { reason: unknown; taken: boolean } | undefined;
    try {
      await disk.write(temporary, encoded.flat());
      await disk.rename(temporary, this.#path(first));
    } catch (reason) {
      await disk.remove(temporary).catch(() => {});
      return { reason, taken: false };
    }
    this.#next += batch.length;
    try {
      await disk.sync(directory);
    } catch (reason) {
      // they have their names, but not for good; what cannot be taken back stays queued
      const taken = await disk.remove(this.#path(first)).then(
        () => false,
        () => true,
      );
      failure = { reason, taken };
      if (!taken) return failure;
    }
    let offset = 0;
    for (const [index, { meta, done }] of batch.entries()) {
      const size = (encoded[index] as Uint8Array[]).reduce((sum, { length }) => sum + length, 0);
      const entry = { number: first + index, size, time: meta.time };
      this.#add(entry, { first, offset });
      offset += size;
      done.resolve(entry);
    }
    if (batch.length > 1) this.#left.set(first, batch.length);
    return failure;
  }

  /** An item. Undefined when it is no longer in the queue: also when its file is damaged, and so was set aside. */
  async read(entry: Entry): Promise<{ meta: M; body: Buffer } | undefined> {
    return (await this.readSome([entry]))[0];
  }

  /** The same for several, all of which are in memory then. */
  async readSome(entries: readonly Entry[]): Promise<({ meta: M; body: Buffer } | undefined)[]> {
    return this.#read(entries, (item) => {
      const { meta, body } = readItem(item);
      return { meta: this.#unpack(meta), body };
    });
  }

  /** The metas of items, in order, without those of which `read` would give nothing. */
  async metas(entries: readonly Entry[]): Promise<M[]> {
    const metas = await this.#read(
      entries,
      (item, size) => this.#unpack(readMeta(item, size).meta),
      HEAD + MAX_META,
    );
    return metas.filter((meta) => meta !== undefined);
  }

  /**
   * What `take` makes of each item's bytes. What is behind one another in a file is read at once.
   * @param most bytes that are needed of an item
   */
  async #read<T>(
    entries: readonly Entry[],
    take: (item: Buffer, size: number) => T,
    most = Number.POSITIVE_INFINITY,
  ): Promise<(T | undefined)[]> {
    const ranges = this.#ranges(entries);
    const taken = new Map<number, T>();
    for (let at = 0; at < ranges.length; at += AT_ONCE) {
      const some = ranges.slice(at, at + AT_ONCE);
      await allDone(some.map((range) => this.#readRange(range, take, most, taken)));
    }
    return entries.map(({ number }) => taken.get(number));
  }

  /** Cuts entries, in order, into such as lie behind one another in a file, without those that are not there. */
  #ranges(entries: readonly Entry[]): Range[] {
    const ranges: Range[] = [];
    let end = "";
    for (const entry of entries) {
      if (!this.#sizes.has(entry.number)) continue;
      const { first, offset } = this.#placeOf(entry.number);
      if (end === `${first} ${offset}`) ranges.at(-1)?.entries.push(entry);
      else ranges.push({ first, offset, entries: [entry] });
      end = `${first} ${offset + entry.size}`;
    }
    return ranges;
  }

  async #readRange<T>(
    { first, offset, entries }: Range,
    take: (item: Buffer, size: number) => T,
    most: number,
    taken: Map<number, T>,
  ): Promise<void> {
    const { disk, damaged } = this.#options;
    const all = entries.reduce((sum, { size }) => sum + size, 0);
    let bytes: Buffer;
    try {
      ({ bytes } = await disk.head(
        this.#path(first),
        entries.length === 1 ? Math.min(all, most) : all,
        offset,
      ));
    } catch (error) {
      // they were taken out meanwhile
      if (entries.every(({ number }) => !this.#sizes.has(number))) return;
      throw error;
    }
    let at = 0;
    for (const entry of entries) {
      const item = bytes.subarray(at, at + entry.size);
      at += entry.size;
      if (!this.#sizes.has(entry.number)) continue;
      try {
        taken.set(entry.number, take(item, entry.size));
      } catch (error) {
        await this.setAside(entry);
        damaged(nameOf(entry.number), reasonOf(error));
      }
    }
  }

  /** Takes items out. They may be there again when the queue is opened anew. */
  async remove(entries: readonly Entry[]): Promise<void> {
    for (let at = 0; at < entries.length; at += AT_ONCE) {
      await allDone(entries.slice(at, at + AT_ONCE).map((entry) => this.#remove(entry)));
    }
  }

  async #remove(entry: Entry): Promise<void> {
    if (!this.#sizes.has(entry.number)) return;
    const { first } = this.#placeOf(entry.number);
    // at once: it must not count twice, whoever else takes it out
    if ((this.#left.get(first) ?? 1) > 1) this.#drop(entry);
    await this.#leave(first);
    this.#drop(entry);
  }

  /** One less needs a file, which goes with the last one. */
  async #leave(first: number): Promise<void> {
    const left = this.#left.get(first) ?? 1;
    if (left > 1) this.#left.set(first, left - 1);
    else {
      await this.#options.disk.remove(this.#path(first));
      this.#left.delete(first);
    }
  }

  /** Takes an item out so that who opens the queue anew does not find it, whatever else is left of its file. */
  withdraw(entry: Entry): Promise<void> {
    const done = this.#withdrawing.then(() => this.#withdraw(entry));
    this.#withdrawing = done.catch(() => {});
    return done;
  }

  async #withdraw(entry: Entry): Promise<void> {
    if (!this.#sizes.has(entry.number)) return;
    const { first, offset } = this.#placeOf(entry.number);
    const left = this.#left.get(first) ?? 1;
    if (left > 1) {
      // so long the file stays, whoever else leaves
      this.#left.set(first, left + 1);
      try {
        await this.#markGone(first, offset);
      } finally {
        await this.#leave(first);
      }
    }
    await this.#remove(entry);
  }

  async #markGone(first: number, offset: number): Promise<void> {
    const { disk, directory } = this.#options;
    const { bytes } = await disk.head(this.#path(first), Number.MAX_SAFE_INTEGER);
    GONE.copy(bytes, offset);
    const temporary = join(directory, ".gone");
    await disk.write(temporary, [bytes]);
    await disk.rename(temporary, this.#path(first));
  }

  /** Takes an item out, but keeps a file of it for people to look at. */
  async setAside(entry: Entry): Promise<void> {
    const place = this.#placeOf(entry.number);
    if (place.offset === 0 && !this.#left.has(place.first)) {
      await this.#moveAside(nameOf(entry.number));
      this.#drop(entry);
    } else {
      await this.#copyAside(nameOf(entry.number), place, entry.size);
      await this.withdraw(entry);
    }
  }

  async #moveAside(name: string): Promise<void> {
    const { disk, directory } = this.#options;
    const to = await this.#roomAside(name);
    if (to === undefined) await disk.remove(join(directory, name));
    else await disk.rename(join(directory, name), to);
  }

  async #copyAside(name: string, { first, offset }: Place, size: number): Promise<void> {
    const { disk } = this.#options;
    const to = await this.#roomAside(name);
    if (to === undefined) return;
    const { bytes } = await disk.head(this.#path(first), size, offset);
    await disk.write(to, [bytes]);
  }

  /** Where a file goes that is set aside; undefined when there are enough. */
  async #roomAside(name: string): Promise<string | undefined> {
    const { disk, directory, aside } = this.#options;
    await disk.ensure(aside);
    if ((await disk.list(aside)).length >= MOST_ASIDE) return undefined;
    return join(aside, `${directory.split("/").at(-1)}-${name}`);
  }

  #path(number: number): string {
    return join(this.#options.directory, nameOf(number));
  }

  #placeOf(number: number): Place {
    const place = this.#places.get(number) ?? 0;
    const before = place % BATCH;
    return { first: number - before, offset: (place - before) / BATCH };
  }

  #add({ number, size, time }: Entry, { first, offset }: Place): void {
    this.#sizes.set(number, size);
    this.#times.set(number, time);
    if (number > first) this.#places.set(number, offset * BATCH + number - first);
    this.#bytes += size;
  }

  #drop({ number }: Entry): void {
    const size = this.#sizes.get(number);
    if (size === undefined) return;
    this.#sizes.delete(number);
    this.#times.delete(number);
    this.#places.delete(number);
    this.#bytes -= size;
  }
}

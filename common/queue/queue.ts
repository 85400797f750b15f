/**
 * A durable queue: a directory with a file for each item, numbered in order. An item is in the queue once its file
 * has its number as its name and the directory is flushed; items that come together share the flush. So after a
 * crash each item is there whole, or not at all.
 *
 * In memory are three numbers of each item and nothing else of it, so that a queue may become long.
 */
import { join } from "node:path";
import type { z } from "zod";
import { allDone } from "../all-done.ts";
import type { Disk } from "../disk.ts";
import { reasonOf } from "../errors.ts";
import { pack, unpack } from "../msgpack.ts";
import { encodeItem, HEAD, MAX_META, readItem, readMeta } from "./item-file.ts";

/** What is known of an item without reading its file. */
export interface Entry {
  readonly number: number;
  /** Bytes of its file. */
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

/** Items that share a flush. */
const BATCH = 64;
/** Files read at a time when a queue is opened; nobody else waits then. */
const OPENING = 32;
/** Files read, or removed, at a time later. */
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

export class Queue<M extends Meta> {
  readonly #options: QueueOptions<M>;
  /** By number, in order; in maps of their own, since numbers take less than objects. */
  readonly #sizes = new Map<number, number>();
  readonly #times = new Map<number, number>();
  #bytes = 0;
  #next: number;
  #waiting: Waiting<M>[] = [];
  #writing = false;

  private constructor(options: QueueOptions<M>) {
    this.#options = options;
    this.#next = (options.after ?? 0) + 1;
  }

  /** Opens the queue in a directory, which need not exist. What a crash left unfinished is removed. */
  static async open<M extends Meta>(options: QueueOptions<M>): Promise<Queue<M>> {
    const { disk, directory, found } = options;
    const queue = new Queue(options);
    await disk.ensure(directory);
    const names = (await disk.list(directory)).toSorted();
    for (const name of names) if (!NAME.test(name)) await disk.remove(join(directory, name));
    const numbered = names.filter((name) => NAME.test(name));
    for (let at = 0; at < numbered.length; at += OPENING) {
      const some = numbered.slice(at, at + OPENING);
      const read = await Promise.all(some.map((name) => queue.#load(name)));
      for (const each of read) {
        if (!each) continue;
        queue.#add(each.entry);
        found?.(each.entry, each.meta);
      }
    }
    const last = Number(numbered.at(-1) ?? 0);
    queue.#next = Math.max(queue.#next, last + 1);
    return queue;
  }

  async #load(name: string): Promise<{ entry: Entry; meta: M } | undefined> {
    const { disk, directory } = this.#options;
    try {
      const { bytes, size } = await disk.head(join(directory, name), HEAD + MAX_META);
      const meta = this.#unpack(readMeta(bytes, size));
      return { entry: { number: Number(name), size, time: meta.time }, meta };
    } catch (error) {
      await this.#putAside(name);
      this.#options.damaged(name, reasonOf(error));
      return undefined;
    }
  }

  #unpack(meta: Buffer): M {
    // a copy: what is kept of it must not keep all that was read of the file
    return unpack(this.#options.meta, Buffer.from(meta), "its meta");
  }

  get length(): number {
    return this.#sizes.size;
  }

  /** Bytes of all its files. */
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
      const batch = this.#waiting.splice(0, BATCH);
      const failure = await this.#writeBatch(batch);
      if (failure === undefined) continue;
      const behind = this.#waiting.splice(0);
      for (const { done } of [...batch, ...behind]) done.reject(failure);
    }
    this.#writing = false;
  }

  /** Writes items, settles those that are safe, and gives what failed the others. */
  async #writeBatch(batch: readonly Waiting<M>[]): Promise<unknown> {
    const { disk, directory } = this.#options;
    const temporary = batch.map((_, index) => join(directory, `.new-${index}`));
    const encoded = batch.map(({ meta, body }) => encodeItem(pack(meta), body));
    const written = await Promise.allSettled(
      encoded.map((parts, index) => disk.write(temporary[index] as string, parts)),
    );
    const refused = written.findIndex(({ status }) => status === "rejected");
    let failure = written[refused]?.status === "rejected" ? written[refused].reason : undefined;
    const made: Entry[] = [];
    try {
      for (const [index, { meta }] of batch.slice(0, refused === -1 ? undefined : refused).entries()) {
        const number = this.#next;
        await disk.rename(temporary[index] as string, join(directory, nameOf(number)));
        this.#next++;
        const size = (encoded[index] as Uint8Array[]).reduce((sum, { length }) => sum + length, 0);
        made.push({ number, size, time: meta.time });
      }
    } catch (error) {
      failure = error;
    }
    try {
      if (made.length > 0) await disk.sync(directory);
    } catch (error) {
      failure = error;
      await this.#takeBack(made);
    }
    for (const [index, entry] of made.entries()) {
      this.#add(entry);
      batch[index]?.done.resolve(entry);
    }
    for (const path of temporary.slice(made.length)) await disk.remove(path).catch(() => {});
    return failure;
  }

  /** Takes items back that have their names, but not for good; what cannot be taken back stays queued. */
  async #takeBack(made: Entry[]): Promise<void> {
    while (made.length > 0) {
      const { number } = made.at(-1) as Entry;
      try {
        await this.#options.disk.remove(this.#path(number));
      } catch {
        return;
      }
      made.pop();
    }
  }

  /** An item. Undefined when it is no longer in the queue: also when its file is damaged, and so was set aside. */
  read(entry: Entry): Promise<{ meta: M; body: Buffer } | undefined> {
    return this.#read(entry, entry.size + 1, (bytes) => {
      const { meta, body } = readItem(bytes);
      return { meta: this.#unpack(meta), body };
    });
  }

  /** The metas of items, in order, without those of which `read` would give nothing. */
  async metas(entries: readonly Entry[]): Promise<M[]> {
    const metas: M[] = [];
    for (let at = 0; at < entries.length; at += AT_ONCE) {
      const some = entries.slice(at, at + AT_ONCE);
      const read = (entry: Entry) =>
        this.#read(entry, HEAD + MAX_META, (bytes, size) => this.#unpack(readMeta(bytes, size)));
      for (const meta of await Promise.all(some.map(read))) if (meta) metas.push(meta);
    }
    return metas;
  }

  async #read<T>(
    entry: Entry,
    most: number,
    take: (bytes: Buffer, size: number) => T,
  ): Promise<T | undefined> {
    const { disk, damaged } = this.#options;
    let found: { bytes: Buffer; size: number };
    try {
      found = await disk.head(this.#path(entry.number), most);
    } catch (error) {
      // it was taken out meanwhile
      if (!this.#sizes.has(entry.number)) return undefined;
      throw error;
    }
    try {
      return take(found.bytes, found.size);
    } catch (error) {
      await this.setAside(entry);
      damaged(nameOf(entry.number), reasonOf(error));
      return undefined;
    }
  }

  /** Takes items out. They may be there again after a power cut. */
  async remove(entries: readonly Entry[]): Promise<void> {
    for (let at = 0; at < entries.length; at += AT_ONCE) {
      const some = entries.slice(at, at + AT_ONCE).map(async (entry) => {
        await this.#options.disk.remove(this.#path(entry.number));
        this.#drop(entry);
      });
      await allDone(some);
    }
  }

  /** Takes an item out, but keeps its file for people to look at. */
  async setAside(entry: Entry): Promise<void> {
    await this.#putAside(nameOf(entry.number));
    this.#drop(entry);
  }

  async #putAside(name: string): Promise<void> {
    const { disk, directory, aside } = this.#options;
    await disk.ensure(aside);
    if ((await disk.list(aside)).length >= MOST_ASIDE) return disk.remove(join(directory, name));
    const prefix = directory.split("/").at(-1);
    return disk.rename(join(directory, name), join(aside, `${prefix}-${name}`));
  }

  #path(number: number): string {
    return join(this.#options.directory, nameOf(number));
  }

  #add({ number, size, time }: Entry): void {
    this.#sizes.set(number, size);
    this.#times.set(number, time);
    this.#bytes += size;
  }

  #drop({ number }: Entry): void {
    const size = this.#sizes.get(number);
    if (size === undefined) return;
    this.#sizes.delete(number);
    this.#times.delete(number);
    this.#bytes -= size;
  }
}

/**
 * A durable queue: a directory with a file for each item, numbered in order. An item is in the queue once its file
 * has its number as its name and the directory is flushed; items that come together share the flush. So after a
 * crash each item is there whole, or not at all.
 */
import { join } from "node:path";
import type { z } from "zod";
import type { Disk } from "../disk.ts";
import { reasonOf } from "../errors.ts";
import { pack, unpack } from "../msgpack.ts";
import { encodeItem, HEAD, MAX_META, readBody, readMeta } from "./item-file.ts";

export interface Entry<M> {
  readonly number: number;
  readonly meta: M;
  /** Bytes of its file. */
  readonly size: number;
}

export interface QueueOptions<M> {
  disk: Disk;
  directory: string;
  meta: z.ZodType<M>;
  /** Where files go that are damaged or set aside; at most MOST_ASIDE of them are kept. */
  aside: string;
  /** No number up to this one is given again. Default 0. */
  after?: number;
  /** An item cannot be read, and was set aside. */
  damaged: (name: string, reason: string) => void;
}

/** Items that share a flush. */
const BATCH = 64;
/** Files read at a time when a queue is opened. */
const OPENING = 32;
/** Files that are set aside and kept for people to look at; further ones are only reported. */
export const MOST_ASIDE = 100;

const NAME = /^\d{12}$/;
const nameOf = (number: number): string => String(number).padStart(12, "0");

interface Waiting<M> {
  meta: M;
  body: Uint8Array;
  done: PromiseWithResolvers<Entry<M>>;
}

export class Queue<M> {
  readonly #options: QueueOptions<M>;
  readonly #entries = new Map<number, Entry<M>>();
  #bytes = 0;
  #next: number;
  #waiting: Waiting<M>[] = [];
  #writing = false;

  private constructor(options: QueueOptions<M>) {
    this.#options = options;
    this.#next = (options.after ?? 0) + 1;
  }

  /** Opens the queue in a directory, which need not exist. What a crash left unfinished is removed. */
  static async open<M>(options: QueueOptions<M>): Promise<Queue<M>> {
    const { disk, directory } = options;
    const queue = new Queue(options);
    await disk.ensure(directory);
    const names = (await disk.list(directory)).toSorted();
    for (const name of names) if (!NAME.test(name)) await disk.remove(join(directory, name));
    const numbered = names.filter((name) => NAME.test(name));
    for (let at = 0; at < numbered.length; at += OPENING) {
      const some = numbered.slice(at, at + OPENING);
      const read = await Promise.all(some.map((name) => queue.#load(name)));
      for (const entry of read) if (entry) queue.#add(entry);
    }
    const last = Number(numbered.at(-1) ?? 0);
    queue.#next = Math.max(queue.#next, last + 1);
    return queue;
  }

  async #load(name: string): Promise<Entry<M> | undefined> {
    const { disk, directory, meta } = this.#options;
    try {
      const { bytes, size } = await disk.head(join(directory, name), HEAD + MAX_META);
      // a copy: what is read of it must not keep all that was read of the file
      const own = Buffer.from(readMeta(bytes, size));
      return { number: Number(name), meta: unpack(meta, own, "its meta"), size };
    } catch (error) {
      await this.#putAside(name);
      this.#options.damaged(name, reasonOf(error));
      return undefined;
    }
  }

  get length(): number {
    return this.#entries.size;
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
  entries(): MapIterator<Entry<M>> {
    return this.#entries.values();
  }

  get(number: number): Entry<M> | undefined {
    return this.#entries.get(number);
  }

  /** The entry in front. */
  get first(): Entry<M> | undefined {
    return this.#entries.values().next().value;
  }

  /**
   * Adds an item, and resolves once it would survive a power cut. Rejects with what the disk says; whatever was to be
   * added after it then fails too, so that the order stays.
   */
  append(meta: M, body: Uint8Array): Promise<Entry<M>> {
    const done = Promise.withResolvers<Entry<M>>();
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
    const made: Entry<M>[] = [];
    try {
      for (const [index, { meta }] of batch.slice(0, refused === -1 ? undefined : refused).entries()) {
        const number = this.#next;
        await disk.rename(temporary[index] as string, join(directory, nameOf(number)));
        this.#next++;
        const size = (encoded[index] as Uint8Array[]).reduce((sum, { length }) => sum + length, 0);
        made.push({ number, meta, size });
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
  async #takeBack(made: Entry<M>[]): Promise<void> {
    while (made.length > 0) {
      const { number } = made.at(-1) as Entry<M>;
      try {
        await this.#options.disk.remove(this.#path(number));
      } catch {
        return;
      }
      made.pop();
    }
  }

  /** An item's body. Undefined when its file is damaged: then it was set aside, and is no longer in the queue. */
  async read(entry: Entry<M>): Promise<Buffer | undefined> {
    const { disk, damaged } = this.#options;
    const { bytes } = await disk.head(this.#path(entry.number), entry.size + 1);
    try {
      return readBody(bytes);
    } catch (error) {
      await this.setAside(entry);
      damaged(nameOf(entry.number), reasonOf(error));
      return undefined;
    }
  }

  /** Takes items out. They may be there again after a power cut. */
  async remove(entries: readonly Entry<M>[]): Promise<void> {
    for (const entry of entries) {
      await this.#options.disk.remove(this.#path(entry.number));
      this.#drop(entry);
    }
  }

  /** Takes an item out, but keeps its file for people to look at. */
  async setAside(entry: Entry<M>): Promise<void> {
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

  #add(entry: Entry<M>): void {
    this.#entries.set(entry.number, entry);
    this.#bytes += entry.size;
  }

  #drop(entry: Entry<M>): void {
    if (this.#entries.delete(entry.number)) this.#bytes -= entry.size;
  }
}

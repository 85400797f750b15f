/** The letters of a box on the hub's disk: written as they came, sealed; opened for sinks; removed when all have them. */
import { join } from "node:path";
import { z } from "zod";
import { Breather } from "../../common/breather.ts";
import { fixedBytes } from "../../common/bytes.ts";
import type { Clock } from "../../common/clock.ts";
import type { Disk } from "../../common/disk.ts";
import { reasonOf } from "../../common/errors.ts";
import type { Log } from "../../common/log.ts";
import { type ItemHead, KEY_BYTES, LATEST, type Opener } from "../../common/outbox/index.ts";
import { type Entry, Queue } from "../../common/queue/index.ts";
import { type LaneRules, type Letter, letterId, type Sender, uuid } from "./letter/index.ts";

const letterMeta = z.object({
  epoch: z.string(),
  number: z.int(),
  key: fixedBytes(KEY_BYTES),
  kind: z.string(),
  time: z.number().max(LATEST),
});
type LetterMeta = z.output<typeof letterMeta>;

export interface LettersOptions {
  sender: Sender;
  lane: LaneRules;
  disk: Disk;
  directory: string;
  opener: Opener;
  clock: Clock;
  log: Log;
}

/** An item as it came from an agent. */
export interface Arrival {
  epoch: string;
  head: ItemHead;
  sealed: Buffer;
}

/** A letter that is there from before: its number in its epoch, and its sequence number. */
export interface Found {
  epoch: string;
  number: number;
  sequence: number;
}

/** Letters that are dealt with at a time. */
const BATCH = 64;
/** Bytes of letters that are read for a sink at a time; what is staged is read at once. */
const MOST_READ = 4 << 20;
/** Letters that no sink will take and that are kept for people, per lane of a site. */
const MOST_FAILED = 100;

export class Letters {
  /** Those that could not be read and were set aside. */
  damaged = 0;

  private constructor(
    private readonly options: LettersOptions,
    private readonly queue: Queue<LetterMeta>,
  ) {}

  /**
   * Opens those that are in a directory.
   * @param after no sequence number up to this one is given again
   * @param found called for each of them, in order
   */
  static async open(
    options: LettersOptions,
    after: number,
    found: (letter: Found) => void,
  ): Promise<Letters> {
    const { disk, directory, log } = options;
    let damaged = 0;
    let letters: Letters | undefined;
    const queue = await Queue.open({
      disk,
      directory: join(directory, "queue"),
      meta: letterMeta,
      aside: join(directory, "aside"),
      after,
      found: (entry, { epoch, number }) => found({ epoch, number, sequence: entry.number }),
      damaged: (item, reason) => {
        log.error("a letter is damaged and was set aside", { directory, item, reason });
        if (letters) letters.damaged++;
        else damaged++;
      },
    });
    letters = new Letters(options, queue);
    letters.damaged = damaged;
    return letters;
  }

  get length(): number {
    return this.queue.length;
  }

  /** Bytes of their files. */
  get bytes(): number {
    return this.queue.bytes;
  }

  /** When the oldest came to be, by its agent's clock. */
  get oldest(): Date | undefined {
    const { first } = this.queue;
    return first && new Date(first.time);
  }

  /** How many there are behind a sequence number. */
  behind(sequence: number): number {
    let behind = 0;
    for (const { number } of this.queue.entries()) if (number > sequence) behind++;
    return behind;
  }

  /**
   * Throws, with a reason for people, when an arrival must not become a letter.
   * @param opened is told how many bytes it has, unpacked
   */
  check({ head, sealed }: Arrival, opened: (bytes: number) => void): void {
    const { lane, opener, sender } = this.options;
    const body = opener.open(sealed, lane.longest);
    opened(body.length);
    lane.check({ ...sender, kind: head.kind, body });
  }

  /** Adds one and gives its sequence number, once it would survive a power cut. Rejects as a queue does. */
  async append({ epoch, head, sealed }: Arrival): Promise<number> {
    const { number, key, kind, time } = head;
    return (await this.queue.append({ epoch, number, key, kind, time }, sealed)).number;
  }

  /** The first ones behind a sequence number, up to another one, at most so many, opened. */
  async after(sequence: number, most: number, upTo = Number.POSITIVE_INFINITY): Promise<Letter[]> {
    const entries: Entry[] = [];
    let bytes = 0;
    for (const entry of this.queue.entries()) {
      if (entry.number <= sequence) continue;
      if (entry.number > upTo) break;
      if (entries.length >= most || (most < Number.POSITIVE_INFINITY && bytes > MOST_READ)) break;
      entries.push(entry);
      bytes += entry.size;
    }
    const letters: Letter[] = [];
    for (let at = 0; at < entries.length; at += BATCH) {
      const some = entries.slice(at, at + BATCH);
      const items = await this.queue.readSome(some);
      const breather = new Breather(this.options.clock);
      for (const [index, item] of items.entries()) {
        const letter = item && (await this.#open(some[index] as Entry, item));
        if (letter) letters.push(letter);
        await breather.breathe();
      }
    }
    return letters;
  }

  /** A letter; undefined when it cannot be opened any more: then it was set aside. */
  async #open(entry: Entry, item: { meta: LetterMeta; body: Buffer }): Promise<Letter | undefined> {
    const { sender, lane, opener, log, directory } = this.options;
    const { epoch, number, key, kind, time } = item.meta;
    try {
      return {
        ...sender,
        sequence: entry.number,
        id: letterId(sender, lane.name, epoch, number),
        idempotencyKey: uuid(key),
        time,
        kind,
        body: opener.open(item.body, lane.longest),
      };
    } catch (error) {
      // it could be opened when it came: the hub has another key since
      this.damaged++;
      log.error("a letter was set aside", { directory, item: entry.number, reason: reasonOf(error) });
      await this.queue.setAside(entry);
      return undefined;
    }
  }

  /** The names of all, some at a time. */
  async *ids(): AsyncGenerator<string[]> {
    const { sender, lane } = this.options;
    const entries = [...this.queue.entries()];
    for (let at = 0; at < entries.length; at += BATCH) {
      const metas = await this.queue.metas(entries.slice(at, at + BATCH));
      yield metas.map(({ epoch, number }) => letterId(sender, lane.name, epoch, number));
    }
  }

  /** Removes the first of those up to a sequence number; says whether there were any. */
  async removeSome(upTo: number, before: () => Promise<void>): Promise<boolean> {
    const done: Entry[] = [];
    for (const entry of this.queue.entries()) {
      if (entry.number > upTo || done.length >= BATCH) break;
      done.push(entry);
    }
    if (done.length === 0) return false;
    await before();
    await this.queue.remove(done);
    return true;
  }

  /** Keeps one that a sink will never take, for people to look at. */
  async keepFailed(sink: string, letter: Letter, reason: string): Promise<void> {
    const { disk, directory, log } = this.options;
    const folder = join(directory, "failed");
    log.error("a sink will never take a letter", { sink, letter: letter.id, reason });
    await disk.ensure(folder);
    if ((await disk.list(folder)).length >= MOST_FAILED) return;
    await disk.write(join(folder, `${sink}-${letter.id}`), [letter.body]);
    await disk.sync(folder);
  }
}

/**
 * Takes notifications that are marked for forwarding from a site's spool folder into a lane of the outbox. The file
 * stays where it is until the hub has the notification; until then it is the outbox's item that knows of it.
 */
import { createHash } from "node:crypto";
import type { FSWatcher } from "node:fs";
import { Breather } from "../../../common/breather.ts";
import type { Clock, Timer } from "../../../common/clock.ts";
import { FarsiteError, reasonOf } from "../../../common/errors.ts";
import type { Log } from "../../../common/log.ts";
import { Meter } from "../../../common/meter.ts";
import { KEY_BYTES } from "../../../common/outbox/index.ts";
import { Runs } from "../../../common/runs.ts";
import { printable } from "../../../common/text.ts";
import type { ItemMeta, Lane, Source } from "../lane/index.ts";
import { FileSet } from "./file-set.ts";
import { MAX_SPOOL_FILE, readNotification } from "./notification.ts";
import type { SpoolFile, SpoolFiles, Stamp } from "./spool-files.ts";

export const NOTIFICATION = "notification";

export interface NotifyWatcherOptions {
  files: SpoolFiles;
  clock: Clock;
  log: Log;
}

export interface NotifyStatus {
  spool: string;
  /** Since the agent's start: taken for forwarding, set aside as corrupted, of no readable kind. */
  taken: number;
  corrupted: number;
  refused: number;
  /** Why nothing is taken now. */
  problem: string | undefined;
}

/** ms between two looks at the whole folder, for what the kernel did not tell of. */
const RESCAN = 30_000;
/** The same while something is wrong. */
const RETRY = 5_000;
/** ms for which a file that cannot be read may still be being written. */
const UNFINISHED = 2_000;
/** Names that are gone through between two looks at the time. */
const SLICE = 256;
/** Files taken at a time. */
const BATCH = 64;
/** Bytes of notifications that are read before they are queued. */
const MOST_READ = 1 << 20;
/** UTF-16 units of a file's name in a message. */
const MAX_NAME = 128;
/** Files that are remembered as being for somebody else. */
const MOST_KNOWN = 100_000;

interface Taken {
  file: SpoolFile;
  sealed: Buffer;
  digest: Buffer;
}

export class NotifyWatcher implements Source {
  readonly #options: NotifyWatcherOptions;
  /** Files that are queued. */
  readonly #queued = new FileSet();
  /** Files for somebody else, which need no second look. */
  readonly #known = new Map<string, Stamp>();
  readonly #changed = new Set<string>();
  #lane: Lane | undefined;
  #watcher: FSWatcher | undefined;
  #watched: string | undefined;
  #scanning = false;
  /** The whole folder was looked at since it is watched. */
  #scanned = false;
  #rescan: Timer | undefined;
  #again: Timer | undefined;
  readonly #looking = new Runs(() => this.#lookAll());
  #problem: string | undefined;
  #stopped = false;
  readonly #taken: Meter;
  #corrupted = 0;
  #refused = 0;

  constructor(options: NotifyWatcherOptions) {
    this.#options = options;
    this.#taken = new Meter(options.clock);
  }

  /** Begins to fill a lane, with what is there already. */
  start(lane: Lane): void {
    this.#lane = lane;
    void this.#scan();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#rescan?.cancel();
    this.#again?.cancel();
    this.#watcher?.close();
    await this.#looking.idle;
  }

  status(): NotifyStatus {
    return {
      spool: this.#options.files.folder,
      taken: this.#taken.total,
      corrupted: this.#corrupted,
      refused: this.#refused,
      problem: this.#problem,
    };
  }

  /** Looks at the whole folder, and again after a while. */
  async #scan(): Promise<void> {
    const { files, clock } = this.#options;
    this.#scanning = true;
    try {
      await this.#watch();
      const names = await files.names();
      await this.#note(names);
      if (this.#problem?.startsWith(FOLDER)) this.#problem = undefined;
    } catch (error) {
      this.#fails(`${FOLDER} cannot be used: ${reasonOf(error)}`);
    }
    this.#scanning = false;
    this.#looking.ask();
    if (this.#stopped) return;
    this.#rescan = clock.after(this.#problem === undefined ? RESCAN : RETRY, () => void this.#scan());
  }

  /** Notes what is to be looked at of all that is in the folder. */
  async #note(names: readonly string[]): Promise<void> {
    const breather = new Breather(this.#options.clock);
    const known = new Map(this.#known);
    for (const [at, name] of names.entries()) {
      if (at % SLICE === 0) await breather.breathe();
      if (!this.#options.files.isName(name)) continue;
      known.delete(name);
      // what is queued is looked at when it has landed, unless the kernel tells of it; at the start nobody told
      if (!this.#scanned || !this.#queued.hasName(name)) this.#changed.add(name);
    }
    for (const name of known.keys()) this.#known.delete(name);
    this.#scanned = true;
  }

  /** Watches the folder; anew when another one has its name. */
  async #watch(): Promise<void> {
    const { files } = this.#options;
    const identity = await files.identity();
    if (this.#stopped || (this.#watcher && this.#watched === identity)) return;
    this.#watcher?.close();
    this.#watched = identity;
    this.#scanned = false;
    this.#watcher = files.watch(
      (name) => {
        if (!files.isName(name)) return;
        this.#changed.add(name);
        // what was there before goes first
        if (!this.#scanning) this.#looking.ask();
      },
      () => {
        this.#watcher = undefined;
      },
    );
  }

  /** Takes what has changed, in the order in which it was written. */
  async #lookAll(): Promise<void> {
    const { files, clock, log } = this.#options;
    // while the outbox takes nothing, every new file would make it look at all of them
    if (this.#again || this.#stopped) return;
    const found: SpoolFile[] = [];
    for (const name of [...this.#changed]) {
      this.#changed.delete(name);
      const file = await files.look(name);
      if (!file) this.#known.delete(name);
      else if (this.#known.get(name) !== file.stamp && !this.#queued.has(file)) found.push(file);
    }
    // those of one moment as the kernel told of them
    found.sort((a, b) => a.modified - b.modified);
    for (let at = 0; at < found.length && !this.#stopped; ) {
      try {
        at += await this.#take(found.slice(at, at + BATCH));
      } catch (error) {
        // in order: what comes after it waits, too
        for (const { name } of found.slice(at)) this.#changed.add(name);
        if (!(error instanceof FarsiteError))
          log.error("the spool cannot be read", { reason: reasonOf(error) });
        this.#fails(reasonOf(error));
        this.#again ??= clock.after(RETRY, () => {
          this.#again = undefined;
          this.#looking.ask();
        });
        return;
      }
      if (this.#problem !== undefined) log.info("notifications are taken again");
      this.#problem = undefined;
    }
  }

  /** Queues what is to be forwarded among the first of some files; gives how many. Throws when the outbox takes no more. */
  async #take(some: readonly SpoolFile[]): Promise<number> {
    const taken: Taken[] = [];
    let seen = 0;
    let bytes = 0;
    for (; seen < some.length && bytes < MOST_READ; seen++) {
      const notification = await this.#read(some[seen] as SpoolFile);
      if (!notification) continue;
      taken.push(notification);
      bytes += notification.sealed.length;
      this.#queued.add(notification.file);
    }
    const lane = this.#lane as Lane;
    const queued = await Promise.allSettled(
      taken.map(({ file, sealed, digest }) =>
        lane.append(
          {
            key: digest.subarray(0, KEY_BYTES),
            kind: NOTIFICATION,
            time: Math.floor(file.modified),
            source: sourceOf(file),
          },
          sealed,
        ),
      ),
    );
    for (const [index, { status }] of queued.entries()) {
      if (status === "fulfilled") this.#taken.add();
      else this.#queued.delete((taken[index] as Taken).file);
    }
    const failed = queued.find(({ status }) => status === "rejected");
    if (failed?.status === "rejected") throw failed.reason;
    return seen;
  }

  /** The notification in a file, if it is to be forwarded. What is broken is set aside. */
  async #read(seen: SpoolFile): Promise<Taken | undefined> {
    const { files, clock } = this.#options;
    const found = await files.read(seen.name, MAX_SPOOL_FILE);
    if (!found) return undefined;
    if ("refused" in found) {
      this.#know(seen);
      this.#refused++;
      const file = printable(seen.name, MAX_NAME);
      this.#options.log.error("a file in the spool was refused", { file, reason: found.refused });
      return undefined;
    }
    const file = { ...seen, stamp: found.stamp };
    try {
      const context = readNotification(found.bytes);
      if (context) {
        const body = Buffer.from(JSON.stringify({ context: Object.fromEntries(context) }));
        const sealed = (this.#lane as Lane).seal(body);
        return { file, sealed, digest: digestOf(file.name, found.bytes) };
      }
      this.#know(file);
    } catch (error) {
      if (Math.abs(clock.wall() - file.modified) < UNFINISHED) this.#lookLater(file.name);
      else await this.#setAside(file, reasonOf(error));
    }
    return undefined;
  }

  #lookLater(name: string): void {
    this.#options.clock.after(UNFINISHED, () => {
      if (this.#stopped) return;
      this.#changed.add(name);
      this.#looking.ask();
    });
  }

  async #setAside(file: SpoolFile, reason: string): Promise<void> {
    const { files, log } = this.#options;
    this.#corrupted++;
    log.error("a spool file is corrupted", { file: file.name, reason, moved: files.corrupted });
    try {
      await files.setAside(file.name);
    } catch (error) {
      this.#know(file);
      log.error("a corrupted spool file cannot be moved", { file: file.name, reason: reasonOf(error) });
    }
  }

  #know({ name, stamp }: SpoolFile): void {
    // beyond that, files are read anew with every look at the folder
    if (this.#known.size < MOST_KNOWN) this.#known.set(name, stamp);
  }

  #fails(problem: string): void {
    if (this.#problem !== problem)
      this.#options.log.error("notifications are not taken", { reason: problem });
    this.#problem = problem;
  }

  queued({ source }: ItemMeta): void {
    this.#queued.add(partsOf(source));
  }

  async landed(items: readonly ItemMeta[]): Promise<void> {
    const files = items.map(({ source }) => partsOf(source));
    await this.#options.files.remove(files);
    for (const file of files) this.#queued.delete(file);
  }

  async failed(item: ItemMeta, reason: string): Promise<void> {
    const { name, stamp } = partsOf(item.source);
    const file = await this.#options.files.look(name);
    if (file?.stamp === stamp) await this.#setAside(file, reason);
    this.#queued.delete({ name, stamp });
  }
}

const FOLDER = "the spool folder";

function sourceOf({ name, stamp }: SpoolFile): string {
  return `${name} ${stamp}`;
}

function partsOf(source: string): { name: string; stamp: Stamp } {
  const [name = "", stamp = ""] = source.split(" ");
  return { name, stamp };
}

/** The same for the same file, whenever it is queued: receivers know by it what they had before. */
function digestOf(name: string, bytes: Uint8Array): Buffer {
  return createHash("sha256").update(`${name}\n`).update(bytes).digest();
}

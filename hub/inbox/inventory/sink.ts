/**
 * A folder in which files of a site's inventory are what they are at the site. It may belong to a central site that has
 * files of its own there, and to other sites of the tenant: of two files of one name the newer one stays, and a site's
 * file is removed only while it is what that site sent.
 */

import { dirname, join } from "node:path";
import { hex } from "../../../common/bytes.ts";
import type { Clock } from "../../../common/clock.ts";
import type { Disk, FileStat } from "../../../common/disk.ts";
import { type InventoryList, inventoryDigest, partsOfPath } from "../../../common/outbox/index.ts";
import type { Letter, Sender } from "../letter/index.ts";
import type { Answers, ExactSteps, Holds, Rejected, Sink } from "../sink/index.ts";
import type { Holdings } from "./holdings.ts";
import { type FileRecord, type InventoryRecord, readRecord } from "./record.ts";

export interface Folders {
  /** Of each tree that is taken, the folder, and the folder that must be there. */
  [tree: string]: { folder: string; base: string } | undefined;
}

export interface InventorySinkOptions {
  name: string;
  folders: Folders;
  holdings: () => Promise<Holdings>;
  /** Undefined before it was loaded. */
  known: () => Holdings | undefined;
  /** Files and bytes of a site. */
  limits: { files: number; bytes: number };
  disk: Disk;
  clock: Clock;
}

/** Whoever is in the folder's group may read and replace files, and enter folders, whose files are of that group. */
const FILE_MODE = 0o660;
const FOLDER_MODE = 0o2770;
/** Letters that are read at a time: each may be a file of the greatest size. */
const BATCH = 8;
/** Microseconds within which two times are the same: file systems and their calls round differently. */
const ROUNDING = 1000;
/** ms between two times that it is saved what is there. */
const SAVE = 30_000;
/** Where Checkmk sees when any inventory has changed. */
const MARK = ".last";

type Operation = { letter: Letter; file: FileRecord } | { gone: { modified: number; size: number } };

export class InventorySink implements Sink {
  readonly kind = "folder";
  readonly batch = BATCH;
  readonly exact: ExactSteps;
  readonly name: string;
  readonly #options: InventorySinkOptions;
  #saved = Number.NEGATIVE_INFINITY;

  constructor(options: InventorySinkOptions) {
    this.#options = options;
    this.name = options.name;
    this.exact = {
      place: JSON.stringify(options.folders),
      stage: (letters) => this.#stage(letters),
      settle: (letters, place) => this.#settle(letters, JSON.parse(place) as Folders),
    };
  }

  get holds(): Holds | undefined {
    const known = this.#options.known();
    if (!known || (known.size === 0 && known.complete === undefined)) return undefined;
    const { size, bytes, complete } = known;
    return {
      files: size,
      bytes,
      complete: complete === undefined ? undefined : new Date(complete).toISOString(),
    };
  }

  land(): Promise<Rejected[]> {
    throw new Error("a folder is filled in steps");
  }

  async withdraw(ids: readonly string[]): Promise<void> {
    const { disk, folders } = this.#options;
    for (const id of ids) {
      for (const each of Object.values(folders)) {
        if (each) await disk.remove(join(each.folder, stagedName(id)));
      }
    }
  }

  /** Writes files beside where they belong. */
  async #stage(letters: readonly Letter[]): Promise<void> {
    const { disk, folders } = this.#options;
    for (const each of Object.values(folders)) {
      // it is somebody else's: where it is missing, the site is
      if (each && !(await disk.exists(each.base))) throw new Error(`there is no folder ${each.base}`);
      if (each && each.folder !== each.base) await disk.ensure(each.folder, FOLDER_MODE);
    }
    const touched = new Set<string>();
    let room = await this.#room();
    for (const [path, operation] of operationsOf(letters)) {
      const target = targetOf(folders, path);
      if (!target || !("file" in operation)) continue;
      const { letter, file } = operation;
      const bytes = file.bytes ?? (await this.#sameFile(target, file));
      room = await this.#take(room, path, file);
      if (!bytes || room.files < 0 || room.bytes < 0) continue;
      const place = staged(folders, path, letter);
      await disk.write(place, [bytes], FILE_MODE, file.modified);
      touched.add(dirname(place));
    }
    for (const folder of touched) await disk.sync(folder);
  }

  async #room(): Promise<{ files: number; bytes: number }> {
    const { limits, holdings } = this.#options;
    const { size, bytes } = await holdings();
    return { files: limits.files - size, bytes: limits.bytes - bytes };
  }

  /** What room remains beside a file; less than 0 where there is none for it. */
  async #take(
    room: { files: number; bytes: number },
    path: string,
    { size }: FileRecord,
  ): Promise<{ files: number; bytes: number }> {
    const before = (await this.#options.holdings()).get(path);
    return { files: room.files - (before ? 0 : 1), bytes: room.bytes - size + (before?.size ?? 0) };
  }

  /** What is in a file of which only the time has changed; undefined when it is another one. */
  async #sameFile(target: string, { size, digest }: FileRecord): Promise<Buffer | undefined> {
    const { disk } = this.#options;
    if ((await disk.stat(target))?.size !== size) return undefined;
    const { bytes } = await disk.head(target, size);
    return hex(inventoryDigest(bytes)) === digest ? bytes : undefined;
  }

  async #settle(letters: readonly Letter[], folders: Folders): Promise<Answers> {
    const { disk, clock } = this.#options;
    const holdings = await this.#options.holdings();
    const operations = operationsOf(letters);
    const answers = new Map<number, Uint8Array>();
    const touched = new Set<string>();
    for (const [path, operation] of operations) {
      const target = targetOf(folders, path);
      if (!target) continue;
      if ("gone" in operation) {
        if (await this.#remove(target, operation.gone)) touched.add(dirname(target));
        holdings.delete(path);
        continue;
      }
      const { letter, file } = operation;
      const place = staged(folders, path, letter);
      if (await this.#place(target, place, file)) touched.add(dirname(target)).add(dirname(place));
      const { modified, size, digest } = file;
      if (stands(await disk.stat(target), file)) holdings.set(path, { modified, size, digest });
      else {
        holdings.delete(path);
        answers.set(letter.sequence, Uint8Array.of(1));
      }
    }
    for (const letter of letters) {
      const record = recordOf(letter);
      if (record.kind === "complete") holdings.completed(clock.wall());
      if (record.kind !== "list") continue;
      const removed = await this.#removeUnlisted(record.list, folders, holdings, operations);
      for (const folder of removed) touched.add(folder);
      answers.set(letter.sequence, await this.#wanted(record.list, folders, holdings));
      this.#saved = Number.NEGATIVE_INFINITY;
    }
    const [sender] = letters;
    if (sender && touched.size > 0) await this.#mark(sender, folders, touched);
    for (const folder of touched) await disk.sync(folder);
    if (clock.now() - this.#saved >= SAVE) {
      this.#saved = clock.now();
      await holdings.save();
    }
    return answers;
  }

  /** Puts a staged file where it belongs, unless a newer one of somebody else is there. */
  async #place(target: string, from: string, file: FileRecord): Promise<boolean> {
    const { disk, holdings } = this.#options;
    if (!(await disk.exists(from))) return false;
    const there = await disk.stat(target);
    const own = (await holdings()).get(file.path);
    if (there && there.modified > file.modified + ROUNDING && !(own && isThat(there, own))) {
      await disk.remove(from);
      return false;
    }
    await disk.ensure(dirname(target), FOLDER_MODE);
    await disk.rename(from, target);
    return true;
  }

  async #remove(target: string, was: { modified: number; size: number }): Promise<boolean> {
    const { disk } = this.#options;
    const there = await disk.stat(target);
    if (!there || !isThat(there, was)) return false;
    await disk.remove(target);
    return true;
  }

  /** Removes what a list should have and does not; gives the folders in which something was. */
  async #removeUnlisted(
    { after, last, files }: InventoryList,
    folders: Folders,
    holdings: Holdings,
    operations: ReadonlyMap<string, Operation>,
  ): Promise<Set<string>> {
    const touched = new Set<string>();
    const listed = new Set(files.map(([path]) => path));
    const end = files.at(-1)?.[0] ?? after;
    for (const path of [...holdings.paths()]) {
      if (path <= after || (!last && path > end) || listed.has(path) || operations.has(path)) continue;
      const target = targetOf(folders, path);
      const held = holdings.get(path);
      if (target && held && (await this.#remove(target, held))) touched.add(dirname(target));
      holdings.delete(path);
    }
    return touched;
  }

  /** A bit for each file of a list that is not here. */
  async #wanted({ files }: InventoryList, folders: Folders, holdings: Holdings): Promise<Uint8Array> {
    const { disk } = this.#options;
    const bits = new Uint8Array(Math.ceil(files.length / 8));
    for (const [at, [path, modified, size, digest]] of files.entries()) {
      const target = targetOf(folders, path);
      if (!target) continue;
      const held = holdings.get(path);
      const same = held?.digest === hex(digest) && isThat(held, { modified, size });
      if (same && stands(await disk.stat(target), held)) continue;
      holdings.delete(path);
      bits[at >> 3] = (bits[at >> 3] ?? 0) | (1 << (at & 7));
    }
    return bits;
  }

  /** Says, as Checkmk does, that something is new. */
  async #mark({ tenant, site }: Sender, { inventory }: Folders, touched: ReadonlySet<string>): Promise<void> {
    if (!inventory || !touched.has(inventory.folder)) return;
    // other sites may be at it in the same folder
    const fresh = join(inventory.folder, `.farsite-${tenant}.${site}${MARK}`);
    await this.#options.disk.write(fresh, [], FILE_MODE);
    await this.#options.disk.rename(fresh, join(inventory.folder, MARK));
  }
}

/** Letters are read when they are staged, and when they land. */
const read = new WeakMap<Letter, InventoryRecord>();

function recordOf(letter: Letter): InventoryRecord {
  const known = read.get(letter) ?? readRecord(letter);
  read.set(letter, known);
  return known;
}

/** The last that is said of each file: what was said before must not come again after it. */
function operationsOf(letters: readonly Letter[]): Map<string, Operation> {
  const operations = new Map<string, Operation>();
  for (const letter of letters) {
    const record = recordOf(letter);
    if (record.kind === "file") operations.set(record.path, { letter, file: record });
    if (record.kind !== "gone") continue;
    for (const [path, modified, size] of record.files) operations.set(path, { gone: { modified, size } });
  }
  return operations;
}

/** Undefined where that tree is not taken. */
function targetOf(folders: Folders, path: string): string | undefined {
  const parts = partsOfPath(path);
  const folder = parts && folders[parts.tree]?.folder;
  return folder && join(folder, ...parts.names);
}

/** Beside where it belongs, or above that; no file of an inventory begins with a dot. */
function staged(folders: Folders, path: string, { id }: Letter): string {
  return join(folders[partsOfPath(path)?.tree ?? ""]?.folder ?? "", stagedName(id));
}

function stagedName(id: string): string {
  return `.farsite-${id}`;
}

function isThat(file: FileStat, other: FileStat): boolean {
  return file.size === other.size && Math.abs(file.modified - other.modified) <= ROUNDING;
}

/** Whether a site's file is there, or a newer one in its place. */
function stands(there: FileStat | undefined, file: FileStat): boolean {
  return there !== undefined && (isThat(there, file) || there.modified > file.modified + ROUNDING);
}

/** A site's inventory as files, which belong to somebody else: read without being led astray. */
import { constants } from "node:fs";
import { type FileHandle, lstat, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { reasonOf } from "../../../common/errors.ts";
import { ARCHIVE, INVENTORY, isInventoryName, partsOfPath } from "../../../common/outbox/index.ts";
import type { Content, Listing, Origin, Version } from "./origin.ts";

export interface FoldersOptions {
  /** The site's var/check_mk/inventory. */
  folder: string;
  /** Its var/check_mk/inventory_archive, if that is wanted. */
  archive: string | undefined;
  /** Bytes of a file. */
  largest: number;
  /** Files in all. */
  most: number;
}

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** A link leads elsewhere, and a pipe would never be over. */
const FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** Files that are looked at together. */
const AT_ONCE = 64;
/** Times that a file is read which changes meanwhile. */
const TRIES = 3;
/** Names that are none, and are remembered for a message. */
const MOST_STRANGE = 10;

/** A directory of the archive: its files change no more, and it changes with their names. */
interface Known {
  modified: bigint;
  files: Map<string, Version>;
  left: Map<string, string>;
}

export class Folders implements Origin {
  readonly place: string;
  #hosts = new Map<string, Known>();

  constructor(private readonly options: FoldersOptions) {
    this.place = options.folder;
  }

  async list(): Promise<Listing> {
    const { folder, archive, most } = this.options;
    // through a link at its end, too: which folder it is, is said in the file
    const directory = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      const { dev, ino } = await directory.stat({ bigint: true });
      const listing: Listing = { files: new Map(), left: new Map(), strange: [], identity: `${dev}:${ino}` };
      await this.#look(directory, INVENTORY, listing);
      if (archive !== undefined) await this.#lookAtArchive(archive, listing);
      const beyond = [...listing.files.keys()].slice(most);
      for (const path of beyond) {
        listing.files.delete(path);
        listing.left.set(path, `there are more than ${most} files`);
      }
      return listing;
    } finally {
      await directory.close();
    }
  }

  async #lookAtArchive(archive: string, listing: Listing): Promise<void> {
    let names: string[];
    try {
      names = await readdir(archive);
    } catch (error) {
      // a site has none before an inventory has changed for the first time
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
      throw error;
    }
    const known = this.#hosts;
    this.#hosts = new Map();
    for (const host of names.toSorted()) {
      if (!isInventoryName(host)) {
        note(listing, host);
        continue;
      }
      const found = await this.#lookAtHost(join(archive, host), `${ARCHIVE}/${host}`, known.get(host));
      if (!found) continue;
      this.#hosts.set(host, found);
      for (const [path, version] of found.files) listing.files.set(path, version);
      for (const [path, reason] of found.left) listing.left.set(path, reason);
    }
  }

  async #lookAtHost(folder: string, tree: string, known: Known | undefined): Promise<Known | undefined> {
    const status = await lstat(folder, { bigint: true }).catch(() => undefined);
    if (!status?.isDirectory()) return undefined;
    if (known && known.modified === status.mtimeNs) return known;
    const directory = await open(folder, DIRECTORY);
    try {
      const listing: Listing = { files: new Map(), left: new Map(), strange: [], identity: "" };
      await this.#look(directory, tree, listing);
      return { modified: status.mtimeNs, files: listing.files, left: listing.left };
    } finally {
      await directory.close();
    }
  }

  async #look(directory: FileHandle, tree: string, listing: Listing): Promise<void> {
    const at = placeOf(directory);
    const names = (await readdir(at)).toSorted();
    const fit: string[] = [];
    for (const name of names) {
      if (isInventoryName(name)) fit.push(name);
      // Checkmk's own mark of when something changed, and its temporary files
      else if (!name.startsWith(".")) note(listing, name);
    }
    for (let from = 0; from < fit.length; from += AT_ONCE) {
      const some = fit.slice(from, from + AT_ONCE);
      const found = await Promise.all(
        some.map((name) => lstat(join(at, name), { bigint: true }).catch(() => undefined)),
      );
      for (const [index, status] of found.entries()) {
        if (!status) continue;
        const path = `${tree}/${some[index]}`;
        const reason = this.#wrong(status);
        const modified = Number(status.mtimeNs / 1000n);
        if (reason === undefined) listing.files.set(path, { modified, size: Number(status.size) });
        else listing.left.set(path, reason);
      }
    }
  }

  /** Why a file is left where it is. */
  #wrong(status: { isFile(): boolean; isSymbolicLink(): boolean; size: bigint }): string | undefined {
    if (status.isSymbolicLink()) return "it is a symbolic link";
    if (!status.isFile()) return "it is no regular file";
    const { largest } = this.options;
    return status.size > BigInt(largest) ? `it is larger than ${largest} bytes` : undefined;
  }

  async read(path: string): Promise<Content | undefined> {
    const parts = partsOfPath(path);
    const folder = parts?.tree === ARCHIVE ? this.options.archive : this.options.folder;
    if (!parts || folder === undefined) return undefined;
    const [first, second] = parts.names;
    try {
      if (second === undefined) return await this.#readFile(join(folder, first));
      // by its handle: the folder of that name may be a link when the file is opened
      const directory = await open(join(folder, first), DIRECTORY);
      try {
        return await this.#readFile(join(placeOf(directory), second));
      } finally {
        await directory.close();
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw new Error(reasonOf(error));
    }
  }

  async #readFile(place: string): Promise<Content | undefined> {
    for (let tries = 0; tries < TRIES; tries++) {
      const file = await open(place, FILE);
      try {
        const before = await file.stat({ bigint: true });
        const reason = this.#wrong(before);
        if (reason !== undefined) throw new Error(reason);
        const bytes = await readAll(file, Number(before.size));
        const after = await file.stat({ bigint: true });
        if (after.mtimeNs === before.mtimeNs && after.size === before.size && bytes) {
          return { bytes, modified: Number(before.mtimeNs / 1000n) };
        }
      } finally {
        await file.close();
      }
    }
    throw new Error("it changes while it is read");
  }
}

/** All that a file should have; undefined when it has less. */
async function readAll(file: FileHandle, size: number): Promise<Buffer | undefined> {
  const bytes = Buffer.alloc(size);
  let at = 0;
  while (at < size) {
    const { bytesRead } = await file.read(bytes, at, size - at, at);
    if (bytesRead === 0) return undefined;
    at += bytesRead;
  }
  return bytes;
}

/** A directory by its handle, whatever its name leads to meanwhile. */
function placeOf(directory: FileHandle): string {
  return `/proc/self/fd/${directory.fd}`;
}

function note({ strange }: Listing, name: string): void {
  if (strange.length < MOST_STRANGE) strange.push(name);
}

/** Files of a folder that belongs to somebody else: read without being led astray, moved, removed. */
import { constants, type FSWatcher, watch } from "node:fs";
import { access, lstat, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { allDone } from "../../../common/all-done.ts";

/** What tells a file from a later one of the same name. */
export type Stamp = string;

export interface SpoolFile {
  name: string;
  stamp: Stamp;
  /** ms since the epoch, with fractions. */
  modified: number;
}

/** What was found under a name. */
export type Found = { bytes: Buffer; stamp: Stamp } | { refused: string };

/** Files removed at a time. */
const AT_ONCE = 8;
/** A name as Checkmk gives it, or somebody's script. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/;

export class SpoolFiles {
  constructor(
    readonly folder: string,
    /** Where what cannot be read is put. */
    readonly corrupted: string,
  ) {}

  /** All names in the folder, which may be very many. Throws when it cannot be used. */
  async names(): Promise<string[]> {
    await access(this.folder, constants.R_OK | constants.W_OK | constants.X_OK);
    return readdir(this.folder);
  }

  /** Whether it may be meant as one: those with dots are hidden, or not whole yet. */
  isName(name: string): boolean {
    return name !== "" && !name.includes(".");
  }

  async look(name: string): Promise<SpoolFile | undefined> {
    const found = await lstat(join(this.folder, name), { bigint: true }).catch(() => undefined);
    return found && { name, stamp: stampOf(found), modified: Number(found.mtimeNs) / 1e6 };
  }

  /** Reads a file of at most `most` bytes; undefined when it is gone. */
  async read(name: string, most: number): Promise<Found | undefined> {
    if (!NAME.test(name)) return { refused: "its name has other characters, or too many" };
    // a link leads elsewhere, and a pipe would never be over
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const file = await open(join(this.folder, name), flags).catch((error: NodeJS.ErrnoException) => error);
    if (file instanceof Error) {
      if (file.code === "ENOENT") return undefined;
      return { refused: file.code === "ELOOP" ? "it is a symbolic link" : file.message };
    }
    try {
      const status = await file.stat({ bigint: true });
      if (!status.isFile()) return { refused: "it is no regular file" };
      if (status.size > BigInt(most)) return { refused: `it is larger than ${most} bytes` };
      const bytes = Buffer.alloc(Number(status.size));
      let at = 0;
      while (at < bytes.length) {
        const { bytesRead } = await file.read(bytes, at, bytes.length - at, at);
        if (bytesRead === 0) break;
        at += bytesRead;
      }
      return { bytes: bytes.subarray(0, at), stamp: stampOf(status) };
    } finally {
      await file.close();
    }
  }

  /** Removes files for good, those that are still what they were. */
  async remove(files: readonly { name: string; stamp: Stamp }[]): Promise<void> {
    for (let at = 0; at < files.length; at += AT_ONCE) {
      const some = files.slice(at, at + AT_ONCE).map(async ({ name, stamp }) => {
        if ((await this.look(name))?.stamp === stamp) await rm(join(this.folder, name), { force: true });
      });
      await allDone(some);
    }
    const folder = await open(this.folder, "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }

  /** Moves a file to those that are corrupted, where it keeps its name. */
  async setAside(name: string): Promise<void> {
    await mkdir(this.corrupted, { recursive: true });
    await rename(join(this.folder, name), join(this.corrupted, name));
  }

  /** Tells of names that come, go or change; undefined when the folder cannot be watched. */
  watch(changed: (name: string) => void, failed: () => void): FSWatcher | undefined {
    try {
      const watcher = watch(this.folder, (_, name) => changed(name ?? ""));
      watcher.on("error", failed);
      return watcher;
    } catch {
      return undefined;
    }
  }

  /** What tells the folder from another one of its name. */
  async identity(): Promise<string> {
    const { dev, ino } = await lstat(this.folder, { bigint: true });
    return `${dev}:${ino}`;
  }
}

/** Checkmk keeps the folder of corrupted files beside the spool. */
export function corruptedBeside(folder: string): string {
  return join(dirname(folder), basename(folder) === "spool" ? "corrupted" : `${basename(folder)}-corrupted`);
}

function stampOf({ ino, size, mtimeNs }: { ino: bigint; size: bigint; mtimeNs: bigint }): Stamp {
  return `${ino}:${size}:${mtimeNs}`;
}

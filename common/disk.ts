/** Files as a dependency of what must survive a crash, so that tests can make every single step fail. */
import { chmod, type FileHandle, lstat, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

export interface FileStat {
  size: number;
  /** Microseconds since the epoch. */
  modified: number;
}

export interface Disk {
  /** Makes a directory, and its parents, that only its owner may enter, or with another mode. */
  ensure(directory: string, mode?: number): Promise<void>;
  /** Names in a directory, in no order; none when there is no such directory. */
  list(directory: string): Promise<string[]>;
  /**
   * `bytes` bytes of a file from `from` on (default: its start), or fewer, and how long it is. Throws also when there
   * is no such file.
   */
  head(path: string, bytes: number, from?: number): Promise<{ bytes: Buffer; size: number }>;
  /**
   * Writes a new file, or over an old one, and flushes it; on failure nothing is left of it. Default mode 0600.
   * @param modified its time, in microseconds since the epoch; default now
   */
  write(path: string, parts: readonly Uint8Array[], mode?: number, modified?: number): Promise<void>;
  /** In one step, over whatever has that name. Lasts once the directory is flushed. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file, or a directory and all in it. Nothing happens when there is none. */
  remove(path: string): Promise<void>;
  exists(path: string): Promise<boolean>;
  /** Undefined when there is no regular file of that name: a link is none. */
  stat(path: string): Promise<FileStat | undefined>;
  /** Flushes a directory: the names in it. */
  sync(directory: string): Promise<void>;
}

const PRIVATE_FILE = 0o600;
const PRIVATE_DIRECTORY = 0o700;

export const systemDisk: Disk = {
  ensure: async (directory, mode = PRIVATE_DIRECTORY) => {
    const made = await mkdir(directory, { recursive: true, mode });
    if (made === undefined || mode === PRIVATE_DIRECTORY) return;
    // the umask is not to decide who may enter
    for (let path = directory; ; path = dirname(path)) {
      await chmod(path, mode);
      if (path === made || path === dirname(path)) break;
    }
  },
  list: async (directory) => {
    try {
      return await readdir(directory);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  },
  head: (path, bytes, from = 0) =>
    withFile(path, "r", async (file) => {
      const { size } = await file.stat();
      const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(bytes, size - from)));
      let at = 0;
      while (at < buffer.length) {
        const { bytesRead } = await file.read(buffer, at, buffer.length - at, from + at);
        if (bytesRead === 0) break;
        at += bytesRead;
      }
      return { bytes: buffer.subarray(0, at), size };
    }),
  write: async (path, parts, mode, modified) => {
    try {
      await withFile(
        path,
        "w",
        async (file) => {
          // the umask is not to decide who may read it
          if (mode !== undefined) await file.chmod(mode);
          await file.writeFile(Buffer.concat(parts));
          if (modified !== undefined) await file.utimes(modified / 1e6, modified / 1e6);
          await (modified === undefined ? file.datasync() : file.sync());
        },
        PRIVATE_FILE,
      );
    } catch (error) {
      await rm(path, { force: true }).catch(() => {});
      throw error;
    }
  },
  rename,
  remove: async (path) => {
    await rm(path, { force: true, recursive: true });
  },
  exists: (path) =>
    lstat(path).then(
      () => true,
      (error: unknown) => {
        if (isMissing(error)) return false;
        throw error;
      },
    ),
  stat: async (path) => {
    try {
      const found = await lstat(path, { bigint: true });
      return found.isFile()
        ? { size: Number(found.size), modified: Number(found.mtimeNs / 1000n) }
        : undefined;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  },
  sync: (directory) => withFile(directory, "r", (handle) => handle.sync()),
};

async function withFile<T>(
  path: string,
  flags: string,
  work: (file: FileHandle) => Promise<T>,
  mode?: number,
): Promise<T> {
  const file = await open(path, flags, mode);
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}

/** Whether something failed since a file was not there. */
export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}

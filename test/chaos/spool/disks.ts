/** Small disks that can be filled: tmpfs, in a mount namespace of this process, so that they end with it. */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Cleanup } from "../../lab/cleanup.ts";

/** Set in a process that has a mount namespace of its own. */
const MARK = "FARSITE_CHAOS_MOUNTS";
const MIB_OF_DISK = 4;

/** Whether this process may mount disks that nobody else sees. */
export function canMount(): boolean {
  return process.env[MARK] !== undefined;
}

/**
 * Runs this program again in a mount namespace of its own and gives its exit status; undefined where it is in one
 * already, or there can be none.
 */
export async function inOwnMounts(): Promise<number | undefined> {
  if (canMount() || process.getuid?.() !== 0) return undefined;
  if (spawnSync("unshare", ["--mount", "true"]).status !== 0) return undefined;
  const child = spawn(
    "unshare",
    ["--mount", "--propagation", "private", process.execPath, ...process.argv.slice(1)],
    { stdio: "inherit", env: { ...process.env, [MARK]: "1" } },
  );
  // whoever ends this one means that one
  const pass = (signal: NodeJS.Signals) => child.kill(signal);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, pass);
  return new Promise((done) => child.once("close", (code, signal) => done(code ?? (signal ? 1 : 0))));
}

export class SmallDisk {
  readonly #filler: string;

  private constructor(
    readonly name: string,
    readonly path: string,
  ) {
    this.#filler = join(path, ".filler");
  }

  /** Mounts a disk over a directory. */
  static mount(name: string, path: string, cleanup: Cleanup): SmallDisk {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const made = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${MIB_OF_DISK}m,mode=0700`, "farsite", path]);
    if (made.status !== 0) throw new Error(`mount ${path}: ${made.stderr}`);
    cleanup.add(`unmount ${path}`, () => void spawnSync("umount", ["--lazy", path]));
    return new SmallDisk(name, path);
  }

  /** Leaves no byte free. */
  fill(): void {
    const { bavail, bsize } = statfsSync(this.path);
    for (let bytes = bavail * bsize; bytes > 0; bytes = Math.floor(bytes / 2)) {
      try {
        writeFileSync(this.#filler, Buffer.alloc(bytes), { flag: "a" });
      } catch {
        // less is left than a moment ago
      }
    }
  }

  empty(): void {
    rmSync(this.#filler, { force: true });
  }
}

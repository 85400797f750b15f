/**
 * A disk in memory that knows what would survive: a file's bytes once they are flushed, a name once its directory is.
 * Every step can be made to fail, or to be the last one before a crash.
 */
import { dirname } from "node:path";
import type { Disk, FileStat } from "../../../common/disk.ts";

/** What the rest of a process gets after its crash: nothing. */
const NEVER = new Promise<never>(() => {});

export class MemoryDisk implements Disk {
  /** Files by path, as programs see them, and as they would be after a power cut. */
  files = new Map<string, Buffer>();
  #lasting = new Map<string, Buffer>();
  /** Times of files, in microseconds, where one was given. */
  modified = new Map<string, number>();
  #directories = new Set<string>();
  /** Steps so far that change something. */
  steps = 0;
  /** Steps that fail with this code. */
  readonly #failures: { from: number; to: number; code: string }[] = [];
  #crashAt: { step: number; done: boolean } | undefined;
  #crashed: (() => void) | undefined;
  /** Called when a file gets a name by `rename`. */
  onRename: (to: string) => void = () => {};

  async #step<T>(work: () => T): Promise<T> {
    // as on a real disk, others go on meanwhile
    await Promise.resolve();
    if (this.#crashAt && this.steps >= this.#crashAt.step) return NEVER;
    this.steps++;
    const { steps } = this;
    const failure = this.#failures.find(({ from, to }) => steps >= from && steps <= to);
    if (failure) throw Object.assign(new Error(failure.code), { code: failure.code });
    if (this.#crashAt?.step === steps) {
      if (this.#crashAt.done) work();
      this.#crashed?.();
      return NEVER;
    }
    return work();
  }

  /** The steps `from` to `to` of those to come fail. */
  fail(from: number, to = from, code = "ENOSPC"): void {
    this.#failures.push({ from: this.steps + from, to: this.steps + to, code });
  }

  /**
   * Whoever uses this disk crashes at a step to come: nothing goes on after it.
   * @param done whether that step still happens
   */
  crash(step: number, done: boolean): Promise<void> {
    this.#crashAt = { step: this.steps + step, done };
    return new Promise((crashed) => {
      this.#crashed = crashed;
    });
  }

  /** The disk as the next process finds it; after a power cut without what was not flushed. */
  after(how: "kill" | "power cut"): MemoryDisk {
    const next = new MemoryDisk();
    next.files = new Map(how === "kill" ? this.files : this.#lasting);
    next.#lasting = new Map(next.files);
    next.#directories = new Set(this.#directories);
    next.modified = new Map(this.modified);
    return next;
  }

  /** Names in a directory without a dot before them, in order. */
  names(directory: string): string[] {
    return this.#namesIn(directory).filter((name) => !name.startsWith("."));
  }

  /** Takes a file away as another program does, for good. */
  take(path: string): Buffer | undefined {
    const bytes = this.files.get(path);
    this.files.delete(path);
    this.#lasting.delete(path);
    return bytes;
  }

  #namesIn(directory: string): string[] {
    const names = [...this.files.keys(), ...this.#directories]
      .filter((path) => path.startsWith(`${directory}/`))
      .map((path) => path.slice(directory.length + 1).split("/")[0] as string);
    return [...new Set(names)].toSorted();
  }

  async ensure(directory: string): Promise<void> {
    for (let path = directory; path !== "/" && path !== "."; path = dirname(path))
      this.#directories.add(path);
  }

  async list(directory: string): Promise<string[]> {
    return this.#namesIn(directory).reverse();
  }

  async head(path: string, bytes: number, from = 0): Promise<{ bytes: Buffer; size: number }> {
    await Promise.resolve();
    const file = this.files.get(path);
    if (!file) throw Object.assign(new Error(`ENOENT ${path}`), { code: "ENOENT" });
    return { bytes: Buffer.from(file.subarray(from, from + bytes)), size: file.length };
  }

  async exists(path: string): Promise<boolean> {
    return this.files.has(path) || this.#directories.has(path);
  }

  async stat(path: string): Promise<FileStat | undefined> {
    const file = this.files.get(path);
    return file && { size: file.length, modified: this.modified.get(path) ?? 0 };
  }

  write(path: string, parts: readonly Uint8Array[], _mode?: number, modified?: number): Promise<void> {
    const bytes = Buffer.concat(parts);
    this.modified.set(path, modified ?? 0);
    // torn, until the step that flushes it
    return this.#step(() => void this.files.set(path, bytes.subarray(0, bytes.length >> 1))).then(() =>
      this.#step(() => void this.files.set(path, bytes)),
    );
  }

  rename(from: string, to: string): Promise<void> {
    return this.#step(() => {
      const bytes = this.files.get(from);
      if (!bytes) throw Object.assign(new Error(`ENOENT ${from}`), { code: "ENOENT" });
      this.files.delete(from);
      this.files.set(to, bytes);
      this.modified.set(to, this.modified.get(from) ?? 0);
      this.onRename(to);
    });
  }

  remove(path: string): Promise<void> {
    return this.#step(() => {
      for (const each of [...this.files.keys()]) {
        if (each === path || each.startsWith(`${path}/`)) this.files.delete(each);
      }
      this.#directories.delete(path);
    });
  }

  sync(directory: string): Promise<void> {
    return this.#step(() => {
      for (const path of [...this.#lasting.keys()]) {
        if (dirname(path) === directory && !this.files.has(path)) this.#lasting.delete(path);
        // the directory itself is gone
        if (path.startsWith(`${directory}/`) && dirname(path) !== directory && !this.#has(dirname(path))) {
          this.#lasting.delete(path);
        }
      }
      for (const [path, bytes] of this.files) if (dirname(path) === directory) this.#lasting.set(path, bytes);
    });
  }

  #has(directory: string): boolean {
    return this.#directories.has(directory);
  }
}

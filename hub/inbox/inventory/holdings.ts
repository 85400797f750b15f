/**
 * What a site has in a folder, in a file of its own. It may be behind after a crash: then the site's next list, whose
 * files are looked at one by one, puts it right.
 */
import { join } from "node:path";
import { z } from "zod";
import type { Disk } from "../../../common/disk.ts";

export interface Holding {
  modified: number;
  size: number;
  /** In hexadecimal digits. */
  digest: string;
}

const contents = z.object({
  version: z.literal(1),
  /** When the site had last told that everything is here, by this hub's clock, ms since the epoch. */
  complete: z.number().optional(),
  files: z.array(z.tuple([z.string(), z.number(), z.number(), z.string()])),
});

export class Holdings {
  readonly #files = new Map<string, Holding>();
  #bytes = 0;
  complete: number | undefined;
  #changed = false;

  private constructor(
    private readonly disk: Disk,
    private readonly directory: string,
    private readonly name: string,
  ) {}

  static async load(disk: Disk, directory: string, name: string): Promise<Holdings> {
    const holdings = new Holdings(disk, directory, name);
    const path = join(directory, name);
    if (!(await disk.exists(path))) return holdings;
    const { size } = await disk.head(path, 0);
    const { bytes } = await disk.head(path, size);
    try {
      const { complete, files } = contents.parse(JSON.parse(bytes.toString("utf8")));
      holdings.complete = complete;
      for (const [file, modified, length, digest] of files) {
        holdings.set(file, { modified, size: length, digest });
      }
    } catch {
      // torn or of another release
    }
    return holdings;
  }

  async save(): Promise<void> {
    if (!this.#changed) return;
    this.#changed = false;
    const files = [...this.#files].map(([path, { modified, size, digest }]) => [
      path,
      modified,
      size,
      digest,
    ]);
    const text = JSON.stringify({ version: 1, complete: this.complete, files });
    const path = join(this.directory, this.name);
    try {
      await this.disk.write(`${path}.new`, [Buffer.from(text)]);
      await this.disk.rename(`${path}.new`, path);
      await this.disk.sync(this.directory);
    } catch (error) {
      this.#changed = true;
      throw error;
    }
  }

  get size(): number {
    return this.#files.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(path: string): Holding | undefined {
    return this.#files.get(path);
  }

  paths(): MapIterator<string> {
    return this.#files.keys();
  }

  set(path: string, holding: Holding): void {
    this.delete(path);
    this.#files.set(path, holding);
    this.#bytes += holding.size;
  }

  delete(path: string): void {
    this.#changed = true;
    this.#bytes -= this.#files.get(path)?.size ?? 0;
    this.#files.delete(path);
  }

  /** @param at ms since the epoch */
  completed(at: number): void {
    this.complete = at;
    this.#changed = true;
  }
}

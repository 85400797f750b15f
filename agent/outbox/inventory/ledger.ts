/**
 * Which files the hub has, as far as it has confirmed them, in a file of its own. It may be behind: what is missing in it
 * is agreed on with the hub when the agent starts.
 */
import { dirname, join } from "node:path";
import { z } from "zod";
import type { Disk } from "../../../common/disk.ts";
import { inventoryDigest } from "../../../common/outbox/index.ts";
import type { Content, Version } from "./origin.ts";

export interface Held {
  modified: number;
  size: number;
  /** In hexadecimal digits. */
  digest: string;
}

const contents = z.object({
  version: z.literal(1),
  identity: z.string(),
  files: z.array(z.tuple([z.string(), z.number(), z.number(), z.string()])),
});

export class Ledger {
  readonly files = new Map<string, Held>();
  /** Where these were, when nothing was missing there. */
  identity = "";
  #saved: bigint | undefined;

  constructor(
    private readonly disk: Disk,
    private readonly path: string,
  ) {}

  /** What was saved, or nothing where that is none: then the hub is asked about everything. */
  async load(): Promise<void> {
    if (!(await this.disk.exists(this.path))) return;
    const { size } = await this.disk.head(this.path, 0);
    const { bytes } = await this.disk.head(this.path, size);
    try {
      const { identity, files } = contents.parse(JSON.parse(bytes.toString("utf8")));
      this.identity = identity;
      for (const [path, modified, length, digest] of files) {
        this.files.set(path, { modified, size: length, digest });
      }
    } catch {
      // torn or of another release
    }
  }

  async save(): Promise<void> {
    const files = [...this.files].map(([path, { modified, size, digest }]) => [path, modified, size, digest]);
    const text = JSON.stringify({ version: 1, identity: this.identity, files });
    const mark = Bun.hash(text) as bigint;
    if (mark === this.#saved) return;
    const folder = dirname(this.path);
    await this.disk.ensure(folder);
    const fresh = join(folder, ".new-ledger");
    await this.disk.write(fresh, [Buffer.from(text)]);
    await this.disk.rename(fresh, this.path);
    await this.disk.sync(folder);
    this.#saved = mark;
  }

  get bytes(): number {
    let bytes = 0;
    for (const { size } of this.files.values()) bytes += size;
    return bytes;
  }
}

/** Whether a file is what the hub has. */
export function isSame({ modified, size }: Version, held: Held | undefined): boolean {
  return held !== undefined && held.modified === modified && (size === undefined || held.size === size);
}

export function heldAs({ bytes, modified }: Content): Held {
  return { modified, size: bytes.length, digest: inventoryDigest(bytes).toString("hex") };
}

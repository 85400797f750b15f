/**
 * Agrees with the hub on what it has: lists all files, in parts, each once the one before was answered. What the hub does
 * not want it has; so neither a ledger nor a folder that came back from a backup keeps the two apart.
 */
import type { Clock } from "../../../common/clock.ts";
import { DIGEST_BYTES } from "../../../common/outbox/index.ts";
import { type Held, heldAs, isSame, type Ledger } from "./ledger.ts";
import type { Content, Listing, Version } from "./origin.ts";

export interface ComparisonOptions {
  ledger: Ledger;
  /** Undefined when a file is gone, null when it cannot be read. */
  read: (path: string) => Promise<Content | undefined | null>;
  /** Queues a part of the list. */
  queue: (id: string, body: object) => Promise<void>;
  newId: () => string;
  /** ms after which the two compare anew. */
  every: number;
  /** Files in one part. */
  most: number;
  clock: Clock;
}

/** A part of the list, until the hub has said what it wants of it. */
interface Part {
  id: string;
  files: [path: string, held: Held][];
  /** The last path that it is about. */
  end: string;
  last: boolean;
  answered: boolean;
}

/** The digest of a file that cannot be read, which the hub has of no file. */
const UNKNOWN = "00".repeat(DIGEST_BYTES);

export class Comparison {
  readonly #options: ComparisonOptions;
  /** Behind which path the list goes on; undefined when the two agree. */
  #after: string | undefined = "";
  #part: Part | undefined;
  /** The answer to a part was lost with its stream: it is asked again with the next look. */
  #unanswered = false;
  #agreed = Number.NEGATIVE_INFINITY;

  constructor(options: ComparisonOptions) {
    this.#options = options;
  }

  /** Whether the two do not agree yet. */
  get going(): boolean {
    return this.#after !== undefined;
  }

  /** Whether this is the part that is under way. */
  isPart(id: string): boolean {
    return this.#part?.id === id;
  }

  /** @param nothing whether there is nothing at all: no reason for the hub to remove everything */
  look(nothing: boolean): void {
    const { clock, every } = this.#options;
    this.#unanswered = false;
    if (!this.going && clock.now() - this.#agreed >= every) this.#after = "";
    if (nothing) this.#after = undefined;
  }

  /** Tells the hub what there is behind a path, and asks which of it it wants. */
  async tell({ files, left }: Listing, held: ReadonlySet<string>): Promise<void> {
    const after = this.#after;
    if (after === undefined || this.#part || this.#unanswered) return;
    const { ledger, queue, newId, most } = this.#options;
    const kept = [...ledger.files.keys()].filter((path) => left.has(path) || held.has(path));
    const paths = [...new Set([...files.keys(), ...kept])].filter((path) => path > after).toSorted();
    const some = paths.slice(0, most);
    const last = paths.length <= most;
    const part: Part = { id: newId(), files: [], end: some.at(-1) ?? after, last, answered: false };
    for (const path of some) {
      const found = await this.#heldOf(path, files.get(path));
      if (found) part.files.push([path, found]);
    }
    const listed = part.files.map(([path, { modified, size, digest }]) => [
      path,
      modified,
      size,
      Buffer.from(digest, "hex"),
    ]);
    this.#part = part;
    try {
      await queue(part.id, { after, last, files: listed });
    } catch (error) {
      this.#part = undefined;
      throw error;
    }
  }

  /** A file as it is; undefined when it is gone meanwhile. */
  async #heldOf(path: string, version: Version | undefined): Promise<Held | undefined> {
    const { ledger, read } = this.#options;
    const known = ledger.files.get(path);
    if (!version || isSame(version, known)) return known;
    const content = await read(path);
    if (content) return heldAs(content);
    // what is there and cannot be read is not to be removed
    return content === null ? (known ?? { modified: version.modified, size: 0, digest: UNKNOWN }) : undefined;
  }

  /** @param wants whether the hub wants the file at this place of the part */
  answered(id: string, wants: (at: number) => boolean): void {
    const part = this.#part;
    if (part?.id !== id) return;
    const { files } = this.#options.ledger;
    for (const [at, [path, held]] of part.files.entries()) {
      if (wants(at)) files.delete(path);
      else if (held.digest !== UNKNOWN) files.set(path, held);
    }
    part.answered = true;
  }

  /** Says whether the two agree with that. */
  landed(id: string): boolean {
    const part = this.#part;
    if (part?.id !== id) return false;
    this.#part = undefined;
    this.#unanswered = !part.answered;
    if (!part.answered) return false;
    this.#after = part.last ? undefined : part.end;
    this.#agreed = this.#options.clock.now();
    return part.last;
  }

  /** The hub has refused it: it is told again with the next look. */
  failed(): void {
    this.#part = undefined;
    this.#unanswered = true;
  }
}

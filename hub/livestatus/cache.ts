/** Answers of one tenant's sites that hold until the core reloads. What was not used for longest goes first. */

export interface CacheLimits {
  entries: number;
  /** Of answers and keys. */
  bytes: number;
}

/** An answer; or that it is too large to be kept, so that each must ask for itself. */
export type Kept = Buffer | "too-large";

/** Bytes of an answer that is kept, at most: one site's long lists must not push out all others'. */
export const LARGEST_KEPT = 1 << 20;

export class Cache {
  readonly #entries = new Map<string, Kept>();
  #bytes = 0;

  constructor(private limits: CacheLimits) {}

  /** Other limits. */
  reconfigure(limits: CacheLimits): void {
    this.limits = limits;
    this.#shrink();
  }

  get entries(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): Kept | undefined {
    const kept = this.#entries.get(key);
    if (kept === undefined) return undefined;
    // a Map keeps the order of insertion
    this.#entries.delete(key);
    this.#entries.set(key, kept);
    return kept;
  }

  put(key: string, kept: Kept): void {
    this.#remove(key);
    this.#entries.set(key, kept);
    this.#bytes += sizeOf(key, kept);
    this.#shrink();
  }

  #shrink(): void {
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.limits.entries && this.#bytes <= this.limits.bytes) return;
      this.#remove(oldest);
    }
  }

  /** Forgets all whose key begins so. */
  forget(prefix: string): void {
    for (const key of [...this.#entries.keys()]) if (key.startsWith(prefix)) this.#remove(key);
  }

  #remove(key: string): void {
    const kept = this.#entries.get(key);
    if (kept === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= sizeOf(key, kept);
  }
}

function sizeOf(key: string, kept: Kept): number {
  return key.length + (kept === "too-large" ? 0 : kept.length);
}

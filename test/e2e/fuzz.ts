/** Random bytes that are the same for the same seed, so that what fails once fails again. */

/** An endless row of bytes (xorshift32). */
export class SeededBytes {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0 || 1;
  }

  #next(): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return this.#state >>> 0;
  }

  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number {
    return this.#next() % limit;
  }

  take(length: number): Buffer {
    const bytes = Buffer.alloc(length);
    for (let at = 0; at < length; at++) bytes[at] = this.#next() >>> 11;
    return bytes;
  }
}

/** What happens again and again, and is told only now and then. */

import type { Clock } from "./clock.ts";

/** Different things within the time; the other side must not fill memory, log or audit by having new ones. */
const MOST = 1000;

export class Seldom {
  readonly #at = new Map<string, number>();

  /** @param every ms between two times that the same is told */
  constructor(
    private readonly clock: Clock,
    private readonly every: number,
  ) {}

  /** Whether to tell this now. */
  due(key: string): boolean {
    const now = this.clock.now();
    if (now - (this.#at.get(key) ?? Number.NEGATIVE_INFINITY) < this.every) return false;
    if (this.#at.size >= MOST)
      for (const [old, at] of this.#at) if (now - at >= this.every) this.#at.delete(old);
    if (this.#at.size >= MOST) return false;
    this.#at.set(key, now);
    return true;
  }
}

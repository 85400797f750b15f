/** A rate that may be exceeded for a moment: a bucket of one second's worth, which fills steadily. */

import type { Clock } from "../clock.ts";

export class Rate {
  #tokens: number;
  #at: number;

  /** @param perSecond above 0 */
  constructor(
    private readonly clock: Clock,
    private readonly perSecond: number,
  ) {
    this.#tokens = this.#most;
    this.#at = clock.now();
  }

  get #most(): number {
    return Math.max(1, this.perSecond);
  }

  /** Whether one more is within the rate; if so it counts. */
  take(): boolean {
    const now = this.clock.now();
    this.#tokens = Math.min(this.#most, this.#tokens + ((now - this.#at) * this.perSecond) / 1_000);
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}

/** A rate that may be exceeded for a moment: a bucket that fills steadily. */

import type { Clock } from "./clock.ts";

export class Rate {
  #tokens: number;
  #at: number;

  /**
   * @param perSecond above 0
   * @param most at once after a pause, at least 1; a second's worth by default
   */
  constructor(
    private readonly clock: Clock,
    private readonly perSecond: number,
    private readonly most = Math.max(1, perSecond),
  ) {
    this.#tokens = most;
    this.#at = clock.now();
  }

  /** Whether one more is within the rate; if so it counts. */
  take(): boolean {
    const now = this.clock.now();
    this.#tokens = Math.min(this.most, this.#tokens + ((now - this.#at) * this.perSecond) / 1_000);
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}

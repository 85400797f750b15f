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
    this.#fill();
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  /** ms until one more is within the rate; 0: now. */
  get wait(): number {
    this.#fill();
    return this.#tokens >= 1 ? 0 : ((1 - this.#tokens) / this.perSecond) * 1_000;
  }

  /** Counts so many, within the rate or not: where they are not, what follows waits the longer. */
  spend(count: number): void {
    this.#fill();
    this.#tokens -= count;
  }

  #fill(): void {
    const now = this.clock.now();
    this.#tokens = Math.min(this.most, this.#tokens + ((now - this.#at) * this.perSecond) / 1_000);
    this.#at = now;
  }
}

/** A deadline that is moved often: one timer, set anew when it finds that it fires too early. */

import type { Clock, Timer } from "./clock.ts";

export class Deadline {
  #at = Number.POSITIVE_INFINITY;
  #timer: Timer | undefined;
  #firesAt = 0;

  constructor(
    private readonly clock: Clock,
    private readonly passed: () => void,
  ) {}

  /** From now on it is so many ms away. */
  set(ms: number): void {
    this.#at = this.clock.now() + ms;
    if (this.#timer && this.#firesAt <= this.#at) return;
    this.#timer?.cancel();
    this.#arm(ms);
  }

  clear(): void {
    this.#at = Number.POSITIVE_INFINITY;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(ms: number): void {
    this.#firesAt = this.clock.now() + ms;
    this.#timer = this.clock.after(ms, () => {
      this.#timer = undefined;
      const left = this.#at - this.clock.now();
      // timers may be early by a part of a millisecond
      if (left > 1) this.#arm(left);
      else this.passed();
    });
  }
}

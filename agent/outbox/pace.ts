/** How fast items go to the hub, all lanes of a site together: so many a second, and so many bytes. */
import type { Clock } from "../../common/clock.ts";
import { Rate } from "../../common/rate.ts";

export interface PaceLimits {
  itemsPerSecond: number;
  /** Undefined: as many as the line takes. */
  bytesPerSecond: number | undefined;
}

/** Parts of a second whose worth may go at once. */
const PARTS = 10;

export class Pace {
  readonly #items: Rate;
  readonly #bytes: Rate | undefined;

  constructor(clock: Clock, { itemsPerSecond, bytesPerSecond }: PaceLimits) {
    this.#items = new Rate(clock, itemsPerSecond, Math.max(1, itemsPerSecond / PARTS));
    this.#bytes = bytesPerSecond
      ? new Rate(clock, bytesPerSecond, Math.max(1, bytesPerSecond / PARTS))
      : undefined;
  }

  /** ms until the next item may go; 0: now. */
  get wait(): number {
    return Math.max(this.#items.wait, this.#bytes?.wait ?? 0);
  }

  /** An item goes. One larger than what may go at once goes all the same, and others wait the longer. */
  spend(bytes: number): void {
    this.#items.spend(1);
    this.#bytes?.spend(bytes);
  }
}

/** What may happen many times a second, and is told once: neither log nor audit may be a way to fill the disk. */

import type { Clock } from "./clock.ts";
import { Rate } from "./rate.ts";

const TOLD_PER_SECOND = 1;

export class Notices {
  readonly #rate: Rate;
  #untold = 0;

  /** @param atOnce so many are told one by one after a pause */
  constructor(clock: Clock, atOnce = 1) {
    this.#rate = new Rate(clock, TOLD_PER_SECOND, atOnce);
  }

  /** @param tell is given how many before this one were not told; is not called when this is one of them */
  note(tell: (untold: number) => void): void {
    if (!this.#rate.take()) {
      this.#untold++;
      return;
    }
    const untold = this.#untold;
    this.#untold = 0;
    tell(untold);
  }
}

/** A detail of the audit, with how many there were before that were not told. */
export function withUntold(detail: string, untold: number): string {
  return untold === 0 ? detail : `${detail}; ${untold} more before`;
}

/** What may happen many times a second, and is told once: neither log nor audit may be a way to fill the disk. */

import type { Clock } from "./clock.ts";
import { Rate } from "./rate.ts";

const TOLD_PER_SECOND = 1;
/** What goes on and on is told once a minute after ten of them: what is told must not push out what others did. */
const TOLD_PER_MINUTE = 1;
const TOLD_BEFORE_THAT = 600;

export class Notices {
  readonly #rate: Rate;
  readonly #steady: Rate;
  #untold = 0;

  /** @param atOnce so many are told one by one after a pause */
  constructor(clock: Clock, atOnce = 1) {
    this.#rate = new Rate(clock, TOLD_PER_SECOND, atOnce);
    this.#steady = new Rate(clock, TOLD_PER_MINUTE / 60, TOLD_BEFORE_THAT);
  }

  /** @param tell is given how many before this one were not told; is not called when this is one of them */
  note(tell: (untold: number) => void): void {
    if (!this.#rate.take() || !this.#steady.take()) {
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

/** What may happen many times a second, and is told once: neither log nor audit may be a way to fill the disk. */

import type { Clock } from "../../common/clock.ts";
import { Rate } from "../../common/livestatus/index.ts";

/** Of one kind, at one endpoint. */
const TOLD_PER_SECOND = 1;

export class Notices {
  readonly #rate: Rate;
  #untold = 0;

  constructor(clock: Clock) {
    this.#rate = new Rate(clock, TOLD_PER_SECOND);
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

/** What was asked and what came of it, of all sites of a tenant together, since the hub's start: never gets less. */

/** Seconds up to which queries are counted together: a core beside the hub answers in one, a busy one far away in ten. */
export const LATENCIES = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;

export class Totals {
  requests = 0;
  commands = 0;
  refused = 0;
  cacheHits = 0;
  cacheMisses = 0;
  /** Questions that a core has answered; and those it has not, or not to the end. */
  answered = 0;
  failed = 0;
  /** Seconds of the answered ones, all together. */
  seconds = 0;
  /** How many took no longer than each of LATENCIES, and longer than the one before. */
  readonly latencies: number[] = LATENCIES.map(() => 0);

  /** @param ms from the question, its wait for a channel included, to the whole answer */
  answer(ms: number): void {
    const seconds = ms / 1000;
    this.answered++;
    this.seconds += seconds;
    for (let at = 0; at < LATENCIES.length; at++) {
      if (seconds <= (LATENCIES[at] as number)) {
        this.latencies[at] = (this.latencies[at] as number) + 1;
        return;
      }
    }
  }
}

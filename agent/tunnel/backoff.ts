/** When to try again: exponential back-off with full jitter, which resets only after a stable connection. */
import type { Random } from "../../common/random.ts";

export interface BackoffLimits {
  /** Longest wait after the first failure, in ms. */
  first: number;
  /** Longest wait ever, in ms. */
  most: number;
  /** Shortest wait after a failure, in ms: so that no loop is tight. */
  least: number;
  /** A connection that held so long, in ms, wipes the failures before it. */
  stable: number;
  /** Longest wait before the first try after a connection that was in service broke, in ms. */
  quick: number;
  /** So many quick tries may follow each other; one is given back for each second. */
  quickTries: number;
}

export const BACKOFF: BackoffLimits = {
  first: 1_000,
  most: 30_000,
  least: 100,
  stable: 30_000,
  quick: 200,
  quickTries: 30,
};

/** For refusals that only a person can lift: a revoked key, a disabled site, another protocol version. */
export const REFUSED_BACKOFF_FACTOR = 10;

export class Backoff {
  #failures = 0;
  #quickLeft: number;
  #quickAt = 0;

  constructor(
    private readonly random: Random,
    private readonly limits: BackoffLimits = BACKOFF,
  ) {
    this.#quickLeft = limits.quickTries;
  }

  /** ms to wait now, after one more failure. */
  next(): number {
    const ceiling = Math.min(this.limits.most, this.limits.first * 2 ** Math.min(this.#failures, 30));
    this.#failures++;
    return Math.max(this.limits.least, ceiling * this.random.unit());
  }

  /**
   * ms to wait now, after a connection in service broke: streams wait for the next one. Soon, unless that
   * happens again and again.
   * @param held ms that it was in service
   * @param now ms, on a clock that never jumps
   */
  afterLoss(held: number, now: number): number {
    if (held >= this.limits.stable) this.#failures = 0;
    this.#quickLeft = Math.min(this.limits.quickTries, this.#quickLeft + (now - this.#quickAt) / 1000);
    this.#quickAt = now;
    if (this.#quickLeft < 1) return this.next();
    this.#quickLeft--;
    return this.limits.quick * this.random.unit();
  }
}

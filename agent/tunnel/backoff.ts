/** When to try again: exponential back-off with full jitter, which only time in service wears off. */
import type { Random } from "../../common/random.ts";

export interface BackoffLimits {
  /** Longest wait after the first failure, in ms. */
  first: number;
  /** Longest wait ever, in ms. */
  most: number;
  /** Shortest wait after a failure, in ms: so that no loop is tight. */
  least: number;
  /** ms in service that make up for one failure. */
  perFailure: number;
  /** ms in service that make up for all. */
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
  perFailure: 1_000,
  stable: 30_000,
  quick: 200,
  quickTries: 30,
};

/**
 * ms that the first try may take while streams wait for the next carrier: several round trips of a slow line, and
 * less than the hub lets new clients wait. A way that swallows everything must not keep them for a whole timeout.
 */
const HASTE = 3_000;

/** ms that a try may take while streams wait, after so many failed ones; at most `timeout`. */
export function hastyTimeout(failed: number, timeout: number): number {
  return Math.min(timeout, HASTE * 2 ** failed);
}

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
    const { perFailure, stable } = this.limits;
    // on a bad line tries fail now and then; the waits must not grow as if the hub had been away all that time
    this.#failures = held >= stable ? 0 : Math.max(0, this.#failures - Math.floor(held / perFailure));
    this.#quickLeft = Math.min(this.limits.quickTries, this.#quickLeft + (now - this.#quickAt) / 1000);
    this.#quickAt = now;
    if (this.#quickLeft < 1) return this.next();
    this.#quickLeft--;
    return this.limits.quick * this.random.unit();
  }
}

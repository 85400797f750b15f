/** When to try again: exponential back-off with full jitter, which resets only after a stable connection. */
import type { Random } from "../../common/random.ts";

export interface BackoffLimits {
  /** Longest wait after the first failure, in ms. */
  first: number;
  /** Longest wait ever, in ms. */
  most: number;
  /** Shortest wait, in ms: so that no loop is tight. */
  least: number;
  /** A connection that held so long, in ms, wipes the failures before it. */
  stable: number;
}

export const BACKOFF: BackoffLimits = { first: 1_000, most: 30_000, least: 100, stable: 30_000 };

/** For refusals that only a person can lift: a revoked key, a disabled site, another protocol version. */
export const REFUSED_BACKOFF_FACTOR = 10;

export class Backoff {
  #failures = 0;

  constructor(
    private readonly random: Random,
    private readonly limits: BackoffLimits = BACKOFF,
  ) {}

  /** ms to wait now, after one more failure or loss. */
  next(): number {
    const ceiling = Math.min(this.limits.most, this.limits.first * 2 ** Math.min(this.#failures, 30));
    this.#failures++;
    return Math.max(this.limits.least, ceiling * this.random.unit());
  }

  /** A connection ended that had held for `ms`. */
  held(ms: number): void {
    if (ms >= this.limits.stable) this.#failures = 0;
  }
}

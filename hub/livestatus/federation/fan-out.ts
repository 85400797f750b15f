/** Asks many sites at once, but not all: those that are sending are few enough to be listened to. */

import type { Clock, Timer } from "../../../common/clock.ts";
import type { Refusal } from "../../../common/livestatus/index.ts";

/** One site that is asked. */
export interface Branch {
  readonly begun: boolean;
  start(): void;
  release(): void;
  cancel(): void;
  /** Gives it up for a reason. */
  fail(refusal: Refusal): void;
}

export interface FanOutOptions {
  clock: Clock;
  /** Branches that are sending at a time. */
  limit: number;
  /** Makes each branch, which calls back once when it is over. */
  starts: readonly ((over: () => void) => Branch)[];
  /** What is sent has nowhere to go now; `release` says when it has again. */
  paused: () => boolean;
  /** All are over, or `stop` was called. */
  done: () => void;
}

/**
 * ms after which a branch that is silent leaves its place to another one, while it is waited for: sites that
 * hang must not keep others from being asked.
 */
export const SILENT = 500;

export class FanOut {
  readonly #options: FanOutOptions;
  readonly #open = new Map<Branch, () => void>();
  #next = 0;
  #busy = 0;
  #starting = false;
  #over = false;

  constructor(options: FanOutOptions) {
    this.#options = options;
  }

  /** How many branches there are. */
  get count(): number {
    return this.#options.starts.length;
  }

  start(): void {
    // branches may be over before `start` returns, one after another
    if (this.#starting) return;
    this.#starting = true;
    const { starts, limit, paused } = this.#options;
    while (!this.#over && this.#busy < limit && this.#next < starts.length && !paused()) this.#startNext();
    this.#starting = false;
    if (!this.#over && this.#open.size === 0 && this.#next >= starts.length) this.stop();
  }

  #startNext(): void {
    const make = this.#options.starts[this.#next++];
    if (!make) return;
    let timer: Timer | undefined;
    let placed = true;
    this.#busy++;
    const leave = () => {
      timer?.cancel();
      if (!placed) return;
      placed = false;
      this.#busy--;
    };
    const branch = make(() => {
      leave();
      this.#open.delete(branch);
      this.start();
    });
    this.#open.set(branch, leave);
    branch.start();
    if (!this.#open.has(branch)) return;
    timer = this.#options.clock.after(SILENT, () => {
      if (branch.begun) return;
      leave();
      this.start();
    });
  }

  /** Who had to wait may go on. */
  release(): void {
    for (const branch of [...this.#open.keys()]) branch.release();
    this.start();
  }

  /** Gives up what is not over, and what was not begun, for a reason. */
  fail(refusal: Refusal): void {
    // what ends now must not make room for others
    this.#starting = true;
    for (const branch of [...this.#open.keys()]) branch.fail(refusal);
    while (!this.#over && this.#next < this.#options.starts.length) {
      const branch = this.#options.starts[this.#next++]?.(() => {});
      branch?.fail(refusal);
    }
    this.#starting = false;
    this.start();
  }

  /** No more is needed. */
  stop(): void {
    if (this.#over) return;
    this.cancel();
    this.#options.done();
  }

  cancel(): void {
    this.#over = true;
    for (const [branch, leave] of [...this.#open]) {
      leave();
      branch.cancel();
    }
    this.#open.clear();
  }
}

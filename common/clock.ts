/** Time as a dependency, so that tests of timers and deadlines are exact. */

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since the Unix epoch; jumps when the host's clock is set. */
  wall(): number;
  /** Milliseconds since some fixed moment; never jumps. For durations. */
  now(): number;
  /** Calls `run` once, `ms` milliseconds from now. Does not keep the process alive. */
  after(ms: number, run: () => void): Timer;
}

export const systemClock: Clock = {
  wall: () => Date.now(),
  now: () => performance.now(),
  after(ms, run) {
    const id = setTimeout(run, ms);
    id.unref();
    return { cancel: () => clearTimeout(id) };
  },
};

/** A clock that only moves when told to. */
export class FakeClock implements Clock {
  #now = 0;
  #timers = new Set<{ at: number; run: () => void }>();

  constructor(readonly epoch = Date.UTC(2026, 0, 1)) {}

  wall(): number {
    return this.epoch + this.#now;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): Timer {
    const timer = { at: this.#now + ms, run };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** Moves time on by `ms`, firing what falls due, in order of due time. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      let next: { at: number; run: () => void } | undefined;
      for (const timer of this.#timers) if (timer.at <= end && (!next || timer.at < next.at)) next = timer;
      if (!next) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
    this.#now = end;
  }

  get pending(): number {
    return this.#timers.size;
  }
}

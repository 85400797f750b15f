/** Counts events, and how many there were within the last minute. */
import type { Clock } from "./clock.ts";

/** Parts of a minute that are counted apart. */
const PARTS = 12;
const PART = 60_000 / PARTS;

export class Meter {
  readonly #counts: number[] = new Array(PARTS).fill(0);
  #part: number;
  total = 0;

  constructor(private readonly clock: Clock) {
    this.#part = this.#now;
  }

  get #now(): number {
    return Math.floor(this.clock.now() / PART);
  }

  add(events = 1): void {
    this.#forget();
    this.#counts[this.#part % PARTS] = (this.#counts[this.#part % PARTS] ?? 0) + events;
    this.total += events;
  }

  /** Events of the last minute, to five seconds. */
  get perMinute(): number {
    this.#forget();
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }

  #forget(): void {
    const now = this.#now;
    for (let part = Math.max(this.#part + 1, now - PARTS + 1); part <= now; part++) {
      this.#counts[part % PARTS] = 0;
    }
    this.#part = now;
  }
}

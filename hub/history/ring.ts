/** The last values of something, at equal steps; older ones make room. */

import { compact, expand, NOTHING } from "./compact.ts";

export class Ring {
  readonly #codes: Uint16Array;
  /** Where the next value goes. */
  #next = 0;

  /** @param length values */
  constructor(length: number) {
    this.#codes = new Uint16Array(length);
  }

  /** @param value undefined: nothing was measured */
  push(value: number | undefined): void {
    this.#codes[this.#next] = compact(value);
    this.#next = (this.#next + 1) % this.#codes.length;
  }

  /** Steps in which nothing was measured. */
  skip(steps: number): void {
    for (let step = 0; step < Math.min(steps, this.#codes.length); step++) this.push(undefined);
  }

  /** The oldest first. */
  values(): (number | null)[] {
    const { length } = this.#codes;
    return Array.from({ length }, (_, at) => expand(this.#codes[(this.#next + at) % length] ?? NOTHING));
  }
}

/** What was measured within a step. */
export class Spread {
  #count = 0;
  #sum = 0;
  #min = 0;
  #max = 0;

  add(value: number): void {
    this.#min = this.#count === 0 ? value : Math.min(this.#min, value);
    this.#max = this.#count === 0 ? value : Math.max(this.#max, value);
    this.#sum += value;
    this.#count++;
  }

  get min(): number | undefined {
    return this.#count === 0 ? undefined : this.#min;
  }

  get avg(): number | undefined {
    return this.#count === 0 ? undefined : this.#sum / this.#count;
  }

  get max(): number | undefined {
    return this.#count === 0 ? undefined : this.#max;
  }

  reset(): void {
    this.#count = 0;
    this.#sum = 0;
  }
}

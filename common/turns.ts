/** Lets so many work at a time; others wait for their turn. */
import { Deque } from "./deque.ts";

export class Turns {
  #free: number;
  readonly #waiting = new Deque<() => void>();

  constructor(most: number) {
    this.#free = most;
  }

  /** Those that wait for their turn. */
  get waiting(): number {
    return this.#waiting.length;
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((turn) => this.#waiting.push(turn));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }
}

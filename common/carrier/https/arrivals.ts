/** Puts numbered batches, which overtake and repeat each other on their connections, back into order. */
import { WINDOW } from "./wire.ts";

export class Arrivals<T> {
  readonly #early = new Map<number, T>();
  #next = 0;

  /** The number of the first batch that has not come yet. */
  get next(): number {
    return this.#next;
  }

  /** Whether a batch of this number may come now, be it once more. */
  expects(number: number): boolean {
    return number < this.#next + WINDOW;
  }

  /** Takes a batch that is expected; gives those whose turn it is now, in order, each once. */
  take(number: number, batch: T): T[] {
    if (number < this.#next || !this.expects(number)) return [];
    this.#early.set(number, batch);
    const due: T[] = [];
    for (let next = this.#early.get(this.#next); next !== undefined; next = this.#early.get(this.#next)) {
      this.#early.delete(this.#next++);
      due.push(next);
    }
    return due;
  }
}

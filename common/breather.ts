/** Lets others have a turn when a piece of work of many steps takes long: who asks a core must not wait for it. */
import type { Clock } from "./clock.ts";

/** ms of work between two pauses. */
const LONGEST = 2;

export class Breather {
  #since: number;

  constructor(private readonly clock: Clock) {
    this.#since = clock.now();
  }

  /** Called, and awaited, between two steps. */
  async breathe(): Promise<void> {
    if (this.clock.now() - this.#since < LONGEST) return;
    await new Promise<void>((done) => this.clock.after(0, done));
    this.#since = this.clock.now();
  }
}

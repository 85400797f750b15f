/** Whether the hub is of use now: for load balancers and supervisors, who learn nothing else. */

import type { Clock } from "../../common/clock.ts";

export interface HealthOptions {
  /** Asks the registry something; rejects when it does not answer. */
  registry: () => Promise<unknown>;
  /** Agents can connect. */
  listening: () => boolean;
  /** Nothing is stuck. */
  alive: () => boolean;
  clock: Clock;
}

/** ms for the registry's answer. */
const PATIENCE = 2_000;

export class Health {
  /** The question that is under way: however many want to know, the registry is asked once at a time. */
  #asking: Promise<boolean> | undefined;

  constructor(private readonly options: HealthOptions) {}

  async ready(): Promise<boolean> {
    const { listening, alive } = this.options;
    if (!listening() || !alive()) return false;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#inTime(this.#asking);
  }

  async #ask(): Promise<boolean> {
    return this.options.registry().then(
      () => true,
      () => false,
    );
  }

  #inTime(answer: Promise<boolean>): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = this.options.clock.after(PATIENCE, () => resolve(false));
      void answer.then((ready) => {
        timer.cancel();
        resolve(ready);
      });
    });
  }
}

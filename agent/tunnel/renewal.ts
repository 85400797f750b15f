/** When a carrier that still serves should be replaced: it is old, the hub asks for it, or the network changed. */
import type { Clock, Timer } from "../../common/clock.ts";
import type { Random } from "../../common/random.ts";

export interface RenewalOptions {
  clock: Clock;
  random: Random;
  /** ms after which a carrier is replaced; undefined: it may grow old. */
  maxAge: number | undefined;
  /** Says what this host's addresses are, in any form that is equal when they are. */
  network: () => string;
}

/** ms between two looks at this host's addresses. */
const LOOK = 5_000;

export class Renewal {
  /** As in the options; counts for the next carrier. */
  maxAge: number | undefined;
  #age: Timer | undefined;
  #soon: Timer | undefined;
  #look: Timer | undefined;
  #fire: (why: string) => void = () => {};

  constructor(private readonly options: RenewalOptions) {
    this.maxAge = options.maxAge;
  }

  /** Watches over a carrier that begins to serve now; resolves with the reason to replace it. */
  due(): Promise<string> {
    this.stop();
    const { maxAge } = this;
    const { clock, random, network } = this.options;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.#fire = resolve;
    if (maxAge !== undefined) {
      // never later than asked: a proxy that cuts at a fixed age does it to the second
      const age = maxAge * (0.9 + 0.1 * random.unit());
      this.#age = clock.after(age, () => resolve("it reached its age limit"));
    }
    const before = network();
    const look = () => {
      if (network() !== before) resolve("this host's addresses changed");
      else this.#look = clock.after(LOOK, look);
    };
    look();
    return promise;
  }

  /** Replace it now. */
  ask(why: string): void {
    this.#fire(why);
  }

  /** Replace it within so many ms, at random: many agents hear of the same thing at once. */
  askWithin(ms: number, why: string): void {
    const { clock, random } = this.options;
    this.#soon?.cancel();
    this.#soon = clock.after(ms * random.unit(), () => this.#fire(why));
  }

  /** Stops watching. */
  stop(): void {
    this.#age?.cancel();
    this.#soon?.cancel();
    this.#look?.cancel();
  }
}

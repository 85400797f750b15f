/** How many requests one user may send: an API is asked by programs, and a program can run wild. */

import type { Clock } from "../../../../common/clock.ts";
import { Rate } from "../../../../common/rate.ts";
import { TooOften } from "../../../access/index.ts";

/** Requests of one user a second in the long run, and at once after a pause. */
export const REQUESTS_PER_SECOND = 50;
export const REQUESTS_AT_ONCE = 200;
/** Users whose pace is known; who has been known for longest is forgotten. */
const MOST_USERS = 1_000;

export class Pace {
  readonly #rates = new Map<string, Rate>();

  constructor(
    private readonly clock: Clock,
    private readonly perSecond = REQUESTS_PER_SECOND,
    private readonly atOnce = REQUESTS_AT_ONCE,
  ) {}

  /** One more request. Throws E_TOO_OFTEN. */
  take(user: string): void {
    const rate = this.#rates.get(user) ?? this.#make(user);
    if (!rate.take()) throw new TooOften(`${user} sends too many requests to the API`, rate.wait);
  }

  #make(user: string): Rate {
    const [oldest] = this.#rates.keys();
    if (this.#rates.size >= MOST_USERS && oldest !== undefined) this.#rates.delete(oldest);
    const rate = new Rate(this.clock, this.perSecond, this.atOnce);
    this.#rates.set(user, rate);
    return rate;
  }
}

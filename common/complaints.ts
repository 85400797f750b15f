/** What fails again and again is said once a minute, each reason by itself: who is turned away comes again at once. */

import type { Clock } from "./clock.ts";
import type { Log, LogFields } from "./log.ts";
import { Seldom } from "./seldom.ts";

export interface ComplaintsOptions {
  /** The log line's message. */
  message: string;
  clock: Clock;
  log: Log;
}

/** ms between two log lines that say the same. */
const QUIET = 60_000;

export class Complaints {
  readonly #seldom: Seldom;

  constructor(private readonly options: ComplaintsOptions) {
    this.#seldom = new Seldom(options.clock, QUIET);
  }

  /** @param fields what fails, and the reason */
  say(fields: LogFields): void {
    const { message, log } = this.options;
    if (this.#seldom.due(JSON.stringify(fields))) log.warn(message, fields);
  }
}

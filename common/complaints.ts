/** What fails again and again is said once a minute, each reason by itself: who is turned away comes again at once. */

import type { Clock } from "./clock.ts";
import type { Log, LogFields } from "./log.ts";

export interface ComplaintsOptions {
  /** The log line's message. */
  message: string;
  clock: Clock;
  log: Log;
}

/** ms between two log lines that say the same. */
const QUIET = 60_000;
/** Different ones in that time; the other side must not fill memory and log by having new ones. */
const MOST = 1000;

export class Complaints {
  readonly #at = new Map<string, number>();

  constructor(private readonly options: ComplaintsOptions) {}

  /** @param fields what fails, and the reason */
  say(fields: LogFields): void {
    const { message, clock, log } = this.options;
    const key = JSON.stringify(fields);
    const now = clock.now();
    if (now - (this.#at.get(key) ?? Number.NEGATIVE_INFINITY) < QUIET) return;
    if (this.#at.size >= MOST) for (const [old, at] of this.#at) if (now - at >= QUIET) this.#at.delete(old);
    if (this.#at.size >= MOST) return;
    this.#at.set(key, now);
    log.warn(message, fields);
  }
}

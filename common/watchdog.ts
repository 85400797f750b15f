/**
 * Signs of life for systemd's watchdog (WatchdogSec=, sd_notify(3)). They are given by a timer, so none comes while
 * the event loop is stuck; and none while something that must get on does not, although the process runs.
 */
import type { Clock, Timer } from "./clock.ts";
import type { Log } from "./log.ts";
import type { ServiceState } from "./systemd.ts";

/** Something that must get on; otherwise the program is of no use, and a restart is the last resort. */
export interface Vital {
  name: string;
  /** Asked with every sign of life: a value that is another one whenever it got on. */
  pulse(): string | number;
  /** ms for which it may stay the same. */
  within: number;
}

export interface WatchdogOptions {
  /** ms until systemd restarts a program that gives no sign; undefined when it does not watch. */
  limit: number | undefined;
  /** Asked each time: there may be others after a reload. */
  vitals: () => readonly Vital[];
  /** How the program is, in one line for people. */
  status(): string;
  notify(state: ServiceState): void;
  clock: Clock;
  log: Log;
}

/** Signs of life within the limit: two may be late or lost. */
const SIGNS = 3;
/** ms until the second look: by then it is mostly known how the start went. */
const SOON = 2_000;
/** ms between two looks when systemd does not watch: the status line is still for people to read. */
const UNWATCHED = 10_000;

/** ms after which a look is overdue. */
const LATE = 3 * UNWATCHED;

/** ms that systemd's environment gives a program for a sign of life; undefined when it does not watch. */
export function watchdogLimit(env: NodeJS.ProcessEnv): number | undefined {
  const microseconds = Number(env.WATCHDOG_USEC);
  return microseconds > 0 ? microseconds / 1000 : undefined;
}

export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #interval: number;
  /** By vital: its last pulse, and since when, on the clock that never jumps. */
  readonly #seen = new Map<Vital, { pulse: string | number; since: number }>();
  readonly #stuck = new Set<Vital>();
  #status: string | undefined;
  #timer: Timer | undefined;
  /** When it was looked at last. */
  #looked = Number.NEGATIVE_INFINITY;

  constructor(options: WatchdogOptions) {
    this.#options = options;
    this.#interval = options.limit === undefined ? UNWATCHED : options.limit / SIGNS;
  }

  start(): void {
    this.#sign(Math.min(SOON, this.#interval));
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #sign(next = this.#interval): void {
    const alive = this.#look();
    const status = this.#options.status();
    const changed = status !== this.#status;
    this.#status = status;
    const watched = this.#options.limit !== undefined;
    if (changed || (alive && watched)) {
      this.#options.notify({ ...(changed && { status }), ...(alive && watched && { alive }) });
    }
    this.#timer = this.#options.clock.after(next, () => this.#sign());
  }

  #forget(vital: Vital): void {
    this.#seen.delete(vital);
    this.#stuck.delete(vital);
  }

  /** Whether everything got on when it was looked at last, and it is still looked at. */
  get alive(): boolean {
    const { clock, limit } = this.#options;
    return this.#stuck.size === 0 && clock.now() - this.#looked <= Math.max(LATE, limit ?? 0);
  }

  /** Whether everything gets on. */
  #look(): boolean {
    const { vitals, clock, log } = this.#options;
    this.#looked = clock.now();
    const present = vitals();
    for (const known of this.#seen.keys()) if (!present.includes(known)) this.#forget(known);
    for (const vital of present) {
      const pulse = vital.pulse();
      const seen = this.#seen.get(vital);
      if (seen?.pulse !== pulse) {
        this.#seen.set(vital, { pulse, since: clock.now() });
        this.#stuck.delete(vital);
      } else if (clock.now() - seen.since > vital.within && !this.#stuck.has(vital)) {
        this.#stuck.add(vital);
        log.error("stuck: there are no signs of life for systemd until it gets on", { what: vital.name });
      }
    }
    return this.#stuck.size === 0;
  }
}

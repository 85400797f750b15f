/** Watches one core: asks again and again how it is, and tells when that has changed. */
import type { Timer } from "../../common/clock.ts";
import { type CoreReport, generationOf, MAX_REASON } from "../../common/core.ts";
import type { Log } from "../../common/log.ts";
import type { Random } from "../../common/random.ts";
import { printable } from "../../common/text.ts";
import type { ExchangeOptions } from "./exchange.ts";
import { type Finding, Probe } from "./probe.ts";

export interface WatchOptions extends ExchangeOptions {
  /** The service whose target the core is. */
  service: string;
  random: Random;
  log: Log;
  /** ms within which a change is seen; at least twice `timeout`. */
  interval: number;
  /** Bytes that this agent's streams have received from the target so far. */
  received: () => number;
  /** The core's state, or its generation, is another one now. */
  changed: () => void;
}

/**
 * The part of the interval less the timeout that passes from one question to the next: random, so that many
 * agents do not ask as one; less than all of it, so that the hub knows when the interval is over.
 */
const LEAST_WAIT = 0.75;
const MOST_WAIT = 0.95;

export class CoreWatch {
  readonly #options: WatchOptions;
  readonly #probe: Probe;
  #timer: Timer | undefined;
  #report: CoreReport | undefined;
  #stopped = false;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#probe = new Probe(options);
  }

  /** How the core is; undefined before the first answer. Another object whenever it has changed. */
  get report(): CoreReport | undefined {
    return this.#report;
  }

  /** Asks at once, and from then on. */
  start(): void {
    void this.#round();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#probe.stop();
  }

  async #round(): Promise<void> {
    const { clock, random, interval, timeout, received } = this.#options;
    const began = clock.now();
    const heard = received();
    const finding = await this.#probe.ask();
    if (this.#stopped || !finding) return;
    // one that answers others has only no connection to spare; there are as few as four
    const busy = "cause" in finding && finding.cause === "hung" && received() > heard;
    if (!busy) this.#note(finding);
    const period = (interval - timeout) * (LEAST_WAIT + (MOST_WAIT - LEAST_WAIT) * random.unit());
    const wait = Math.max(0, period - (clock.now() - began));
    this.#timer = clock.after(wait, () => void this.#round());
  }

  #note(finding: Finding): void {
    const { service, clock, log, changed } = this.#options;
    const before = this.#report;
    const report = reportOf(service, finding, clock.wall());
    if (before && sameState(before, report)) {
      if (before.state === "dead" || report.state === "dead") return;
      // a reload: another generation, but online all the while
      if (generationOf(before.core) === generationOf(report.core)) return;
      this.#report = { ...report, since: before.since };
      log.info("the core was restarted or reloaded", { service, program: report.core.program });
    } else {
      this.#report = report;
      if (report.state === "online")
        log.info("the core is online", { service, program: report.core.program });
      else log.warn("the core is dead", { service, cause: report.cause, reason: report.reason });
    }
    changed();
  }
}

function reportOf(service: string, finding: Finding, now: number): CoreReport {
  const common = { kind: "core", service, since: now } as const;
  if ("core" in finding) return { ...common, state: "online", core: finding.core };
  const { cause, reason } = finding;
  return { ...common, state: "dead", cause, reason: printable(reason, MAX_REASON) };
}

function sameState(a: CoreReport, b: CoreReport): boolean {
  return a.state === "dead" ? b.state === "dead" && a.cause === b.cause : b.state === "online";
}

/**
 * Writes down what is with every site: a look at what the tunnel knows at every short step, and what it tells of
 * carriers and answers. In memory only: it starts empty with the hub.
 */

import type { Clock, Timer } from "../../common/clock.ts";
import { printable } from "../../common/text.ts";
import type { Connect, History, SiteSeries, SiteSpark } from "./interface.ts";
import { type Lengths, SiteHistory } from "./site-history.ts";

/** What is known of a site's tunnel now. */
export interface Sample {
  /** ms; undefined: there is none, or it is not known. */
  rtt: number | undefined;
  /** Bytes since the hub's start: from the site, and to it. */
  received: number;
  sent: number;
}

export interface RecorderOptions {
  clock: Clock;
  /** Undefined: the site has never had a carrier since the hub's start. */
  sample: (siteId: number) => Sample | undefined;
  /** Points of the last day and of the spark lines; connects. */
  lengths: Lengths;
}

/** ms of the steps of spark lines and of the last day; the second is a multiple of the first. */
export const SHORT = 5_000;
export const LONG = 60_000;
const SHORT_IN_LONG = LONG / SHORT;
const MINUTE = 60_000;
/** UTF-16 units of why a carrier ended: some are the other side's words. */
const LONGEST_REASON = 200;

/** How much is kept, as hub.toml says it. */
export function lengthsOf(config: { minutes: number; fine_minutes: number; connects: number }): Lengths {
  const { minutes, fine_minutes: fine, connects } = config;
  return { points: (minutes * MINUTE) / LONG, sparks: (fine * MINUTE) / SHORT, connects };
}

interface Watched {
  history: SiteHistory;
  received: number;
  sent: number;
}

export class Recorder implements History {
  readonly #options: RecorderOptions;
  /** Undefined: nothing has been measured yet, so nothing is held. */
  readonly #sites = new Map<number, Watched | undefined>();
  #timer: Timer | undefined;
  /** Short steps since the start, and when the last one should have ended. */
  #step = 0;
  #origin = 0;
  /** ms since the epoch: the end of the last step. */
  #shortUntil = 0;
  #longUntil = 0;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#shortUntil = this.#longUntil = options.clock.wall();
  }

  start(): void {
    this.#origin = this.#options.clock.now();
    this.#arm();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Counts a site in. */
  offer({ id }: { id: number }): void {
    if (!this.#sites.has(id)) this.#sites.set(id, undefined);
  }

  /** The site is gone for good. */
  forget({ id }: { id: number }): void {
    this.#sites.delete(id);
  }

  /** A carrier of the site's agent was taken up. */
  came(siteId: number, carrier: Pick<Connect, "carrier" | "peer" | "resumed">): void {
    const { history } = this.#watched(siteId);
    history.went(this.#options.clock.wall(), "replaced by a newer carrier");
    history.came({ ...carrier, at: this.#options.clock.wall() });
  }

  /** It is gone. */
  went(siteId: number, reason: string): void {
    this.#sites.get(siteId)?.history.went(this.#options.clock.wall(), printable(reason, LONGEST_REASON));
  }

  /** The site's core has answered a question within so many ms. */
  answered(siteId: number, ms: number): void {
    this.#sites.get(siteId)?.history.add("latency", ms);
  }

  series(siteId: number): SiteSeries | undefined {
    if (!this.#sites.has(siteId)) return undefined;
    return this.#historyOf(siteId).series(this.#longUntil, LONG);
  }

  spark(siteId: number): SiteSpark | undefined {
    if (!this.#sites.has(siteId)) return undefined;
    return this.#historyOf(siteId).spark(this.#shortUntil, SHORT);
  }

  connects(siteId: number): readonly Connect[] {
    return this.#sites.get(siteId)?.history.connects ?? [];
  }

  /** For one that was never there: what is made here is not kept. */
  #historyOf(siteId: number): SiteHistory {
    return this.#sites.get(siteId)?.history ?? new SiteHistory(this.#options.lengths);
  }

  #watched(siteId: number): Watched {
    const known = this.#sites.get(siteId);
    if (known) return known;
    const made = { history: new SiteHistory(this.#options.lengths), received: 0, sent: 0 };
    this.#sites.set(siteId, made);
    return made;
  }

  /** Steps are counted from the start, so that late timers do not add up. */
  #arm(): void {
    const { clock } = this.#options;
    const due = this.#origin + (this.#step + 1) * SHORT - clock.now();
    this.#timer = clock.after(Math.max(0, due), () => this.#look());
  }

  #look(): void {
    const { clock } = this.#options;
    // a host that slept has steps in which nothing was looked at
    const passed = Math.max(1, Math.floor((clock.now() - this.#origin) / SHORT) - this.#step);
    const before = this.#step;
    this.#step += passed;
    this.#shortUntil = clock.wall();
    const longs = Math.floor(this.#step / SHORT_IN_LONG) - Math.floor(before / SHORT_IN_LONG);
    if (longs > 0) this.#longUntil = clock.wall();
    for (const [siteId, watched] of this.#sites) {
      if (watched) this.#take(siteId, watched, passed, longs);
    }
    this.#arm();
  }

  #take(siteId: number, watched: Watched, passed: number, longs: number): void {
    const { history } = watched;
    const sample = this.#options.sample(siteId);
    if (passed > 1) history.skip(passed - 1, Math.max(0, longs - 1));
    if (sample) {
      if (sample.rtt !== undefined) history.add("rtt", sample.rtt);
      const seconds = (passed * SHORT) / 1_000;
      history.add("received", Math.max(0, sample.received - watched.received) / seconds);
      history.add("sent", Math.max(0, sample.sent - watched.sent) / seconds);
      watched.received = sample.received;
      watched.sent = sample.sent;
    }
    history.endSteps(longs > 0);
  }
}

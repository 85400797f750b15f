/** What was with one site: its rings, and the carriers of its agent. */

import type { Connect, SiteSeries, SiteSpark } from "./interface.ts";
import { Ring, Spread } from "./ring.ts";

export const METRICS = ["rtt", "received", "sent", "latency"] as const;
export type Metric = (typeof METRICS)[number];

/** How many values of each step are kept. */
export interface Lengths {
  /** Of the long steps. */
  points: number;
  /** Of the short ones. */
  sparks: number;
  /** Connects. */
  connects: number;
}

class Track {
  readonly spark: Ring;
  readonly min: Ring;
  readonly avg: Ring;
  readonly max: Ring;
  /** Within the short step, and within the long one. */
  readonly short = new Spread();
  readonly long = new Spread();

  constructor({ points, sparks }: Lengths) {
    this.spark = new Ring(sparks);
    this.min = new Ring(points);
    this.avg = new Ring(points);
    this.max = new Ring(points);
  }

  endShort(): void {
    this.spark.push(this.short.avg);
    this.short.reset();
  }

  endLong(): void {
    this.min.push(this.long.min);
    this.avg.push(this.long.avg);
    this.max.push(this.long.max);
    this.long.reset();
  }
}

export class SiteHistory {
  readonly #lengths: Lengths;
  readonly #tracks: Record<Metric, Track>;
  #connects: Connect[] = [];

  constructor(lengths: Lengths) {
    this.#lengths = lengths;
    this.#tracks = {
      rtt: new Track(lengths),
      received: new Track(lengths),
      sent: new Track(lengths),
      latency: new Track(lengths),
    };
  }

  add(metric: Metric, value: number): void {
    const { short, long } = this.#tracks[metric];
    short.add(value);
    long.add(value);
  }

  /** A short step is over, and perhaps a long one with it. */
  endSteps(long: boolean): void {
    for (const metric of METRICS) {
      this.#tracks[metric].endShort();
      if (long) this.#tracks[metric].endLong();
    }
  }

  /** Steps went by in which nothing ran. */
  skip(short: number, long: number): void {
    for (const metric of METRICS) {
      const { spark, min, avg, max } = this.#tracks[metric];
      spark.skip(short);
      for (const ring of [min, avg, max]) ring.skip(long);
    }
  }

  came(connect: Omit<Connect, "ended" | "reason">): void {
    this.#connects.unshift({ ...connect, ended: undefined, reason: undefined });
    this.#connects.length = Math.min(this.#connects.length, this.#lengths.connects);
  }

  went(at: number, reason: string): void {
    const [last, ...others] = this.#connects;
    if (last && last.ended === undefined) this.#connects = [{ ...last, ended: at, reason }, ...others];
  }

  get connects(): readonly Connect[] {
    return this.#connects;
  }

  series(until: number, step: number): SiteSeries {
    const band = (metric: Metric) => {
      const { min, avg, max } = this.#tracks[metric];
      return { min: min.values(), avg: avg.values(), max: max.values() };
    };
    return {
      until,
      step,
      rtt: band("rtt"),
      received: band("received"),
      sent: band("sent"),
      latency: band("latency"),
    };
  }

  spark(until: number, step: number): SiteSpark {
    const line = (metric: Metric) => this.#tracks[metric].spark.values();
    return {
      until,
      step,
      rtt: line("rtt"),
      received: line("received"),
      sent: line("sent"),
      latency: line("latency"),
    };
  }
}

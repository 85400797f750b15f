/** What a case is. */
import type { PeerName, Way } from "../peers/peer.ts";
import type { Stage, StageName } from "../stage.ts";

/** "%": of one processor. "RTT": round-trip times of the empty line. "x": times another figure, or a part of it. */
export type Unit = "Mbit/s" | "ms" | "1/s" | "MiB" | "RTT" | "kB" | "x" | "%";

export interface Row {
  readonly name: string;
  readonly unit: Unit;
}

export const better = (unit: Unit): "higher" | "lower" =>
  unit === "Mbit/s" || unit === "1/s" ? "higher" : "lower";

/** How much work one measurement is. */
export interface Effort {
  /** How long a measurement of exchanges lasts. */
  readonly seconds: number;
  /** How much a bulk stream carries. */
  readonly mebibytes: number;
  /** How long a measurement over a line lasts: there everything takes its round trips. */
  readonly lineSeconds: number;
  /** How long memory is left alone after load, before it counts as what stays. */
  readonly restSeconds: number;
}

/** A figure for each row that this way can have, by the row's name. */
export type Figures = Readonly<Record<string, number>>;

export interface Case {
  readonly name: string;
  readonly rows: readonly Row[];
  /** Where it is measured. */
  readonly stage: StageName;
  /** Needs no warming up: other cases have run the same code. */
  readonly warm?: boolean;
  /** Takes so long that a quick run leaves it out, unless it is asked for by name. */
  readonly long?: boolean;
  /** The only way that it can be measured on. */
  readonly only?: PeerName;
  /** Rounds that are enough for it. */
  readonly rounds?: number;
  /** Taken once, before there has been any load. */
  atRest?(way: Way): Promise<Figures>;
  measure(stage: Stage, way: Way, effort: Effort): Promise<Figures>;
}

/** Rows that share a unit. */
export function rows(unit: Unit, ...names: string[]): Row[] {
  return names.map((name) => ({ name, unit }));
}

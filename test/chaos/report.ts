/** What came of a run, for people and for programs. */
import type { Hole } from "./blackhole.ts";
import type { Faults } from "./faults.ts";
import type { Options } from "./options.ts";

export interface Report {
  /** How long faults happened. */
  seconds: number;
  /** Connections that a fault made useless. */
  carriersKilled: number;
  queries: number;
  /** Queries that ended with an error, a reset, or not within 30 s. */
  failed: number;
  /** Queries with another answer than the core's own. */
  wrong: number;
  bulkBytes: number;
  /** Bulk transfers that did not come back whole and as they went. */
  bulkCorrupt: number;
  /** Carriers on which the session went on. */
  resumed: number;
  /** The most that a ping of the probe took beyond `rttMs`. */
  longestStallMs: number;
  mode: Options["mode"];
  carrier: Options["carrier"];
  seed: number;
  /** What pings of the probe usually take through the undisturbed line, under the same load. */
  rttMs: number;
  /** The longest stall of an equal probe that does not go through the tunnel: what this machine itself adds. */
  machineStallMs: number;
  sessionsLost: number;
  /** How often each fault happened. */
  faults: Faults["counts"];
  /** Carriers replaced before they were left, and what a stall may be then: 1.5 round trips and 20 ms. */
  rolledOver?: number;
  boundMs?: number;
  /** The longest stall while a carrier was replaced, and at any other time. */
  rollOverStallMs?: number;
  otherwiseStallMs?: number;
  /** Each of the former. */
  rollOverStalls?: number[];
  /** The longest that either side took to notice a black hole, and that streams took to go on. */
  noticedMs?: number;
  replacedMs?: number;
  holes?: Hole[];
}

/** Why a run shows nothing or shows a defect; empty when all is well. */
export function complaints(report: Report): string[] {
  const { failed, wrong, bulkCorrupt, queries, bulkBytes, carriersKilled, resumed, mode } = report;
  const nothing = [
    queries === 0 && "no query was asked",
    bulkBytes === 0 && "no bulk came through",
    mode === "rollover"
      ? report.rolledOver === 0 && "no carrier was rolled over"
      : carriersKilled === 0 && "no carrier was killed",
    resumed <= 0 && "no session went on on another carrier",
  ];
  const defects = [
    failed > 0 && `${failed} failed`,
    wrong > 0 && `${wrong} wrong`,
    bulkCorrupt > 0 && `${bulkCorrupt} bulk transfers corrupt`,
  ];
  return [...nothing, ...defects].filter((each) => each !== false);
}

/** The same for people. */
export function render(report: Report): string {
  const { holes, faults, ...figures } = report;
  const lines = Object.entries(figures).map(([name, value]) => `  ${name.padEnd(16)} ${value}`);
  const happened = Object.entries(faults).map(([kind, count]) => `${count} ${kind}`);
  return [...lines, `  ${"faults".padEnd(16)} ${happened.join(", ") || "none"}`].join("\n");
}

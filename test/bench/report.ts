/** The figures, for people and for programs. */
import { better, type Case, type Row, type Unit } from "./cases/case.ts";
import type { Results } from "./measure.ts";
import { PEER_NAMES, type PeerName } from "./peers/peer.ts";

export type ReportRow = Readonly<Record<PeerName, number | null>> & {
  readonly case: string;
  readonly unit: Unit;
  readonly better: "higher" | "lower";
};

export interface Report {
  readonly machine: string;
  readonly commit: string;
  readonly rows: readonly ReportRow[];
}

const DECIMALS: Record<Unit, number> = {
  "Mbit/s": 0,
  ms: 3,
  "1/s": 0,
  MiB: 1,
  RTT: 2,
  kB: 1,
  x: 3,
  "%": 1,
};
const OTHERS = ["direct", "ssh", "stunnel"] as const;

/** One row for each figure; null where the peer was left out, failed, or cannot have the figure. */
export function reportRows(cases: readonly Case[], results: Results): ReportRow[] {
  const figure = (peer: PeerName, { name, unit }: Row): number | null => {
    const median = results.median(peer, name);
    return median === null ? null : Number(median.toFixed(DECIMALS[unit]));
  };
  return cases.flatMap(({ rows }) =>
    rows.map((row) => ({
      case: row.name,
      unit: row.unit,
      better: better(row.unit),
      direct: figure("direct", row),
      farsite: figure("farsite", row),
      ssh: figure("ssh", row),
      stunnel: figure("stunnel", row),
    })),
  );
}

/** How good Farsite is compared with the other: above 1 it is the better one, whichever way the unit counts. */
function ratio(row: ReportRow, other: PeerName): string {
  const [ours, theirs] = [row.farsite, row[other]];
  if (ours === null || theirs === null) return "-";
  return (row.better === "higher" ? ours / theirs : theirs / ours).toFixed(2);
}

/** The figures of each peer and Farsite's ratio to the others. */
export function renderTable({ machine, commit, rows }: Report): string {
  const table = [
    ["case", "unit", ...PEER_NAMES, ...OTHERS.map((other) => `farsite:${other}`)],
    ...rows.map((row) => [
      row.case,
      row.unit,
      ...PEER_NAMES.map((peer) => row[peer]?.toFixed(DECIMALS[row.unit]) ?? "-"),
      ...OTHERS.map((other) => ratio(row, other)),
    ]),
  ];
  const widths = (table[0] ?? []).map((_, column) =>
    Math.max(...table.map((row) => row[column]?.length ?? 0)),
  );
  const lines = table.map((row) =>
    row
      .map((cell, column) =>
        column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd(),
  );
  return [
    `${machine}, commit ${commit}`,
    "Medians over the rounds. Ratios: above 1 Farsite is the better one, also where lower is better.",
    "",
    ...lines,
  ].join("\n");
}

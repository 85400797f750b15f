/** The table `sites`, as LMD has it (there also `backends`): the hub itself knows how each site is. */

import { combined, decided, resolve } from "./expression.ts";
import { hubValue, SITE_COLUMNS } from "./hub-columns.ts";
import type { Peer } from "./peer.ts";
import type { Query, Stat } from "./query.ts";
import type { Local } from "./run.ts";
import type { Part, StatsPlan } from "./stats.ts";
import { type Row, scalar, type Value } from "./value.ts";

export const PEER_TABLES: ReadonlySet<string> = new Set(["sites", "backends"]);

/** What a query without `Columns` shows. */
const COLUMNS = ["peer_key", "peer_name", "tenant", "site", ...Object.keys(SITE_COLUMNS)];

/** The rows of the table that a query asks for. @throws Refusal a condition that means nothing */
export function peersTable(peers: readonly Peer[], query: Query): Local {
  const filter = combined("and", query.filters);
  const stats = query.stats.length > 0 ? planOf(query.stats) : undefined;
  const rows = peers.flatMap((peer, index) => {
    const state = peer.state();
    const value = (column: string): Value | undefined =>
      Object.hasOwn(SITE_COLUMNS, column) ? SITE_COLUMNS[column]?.(peer, state) : hubValue(peer, column);
    const known = (column: string) => scalar(value(column) ?? "");
    const met = resolve(filter, (condition) => decided(condition, known(condition.column)));
    if (met.kind !== "constant" || !met.value) return [];
    const row = COLUMNS.map((column) => value(column) ?? null);
    const cells = stats ? cellsOf(query.stats, stats, known) : [];
    const source = { peer, index, columns: COLUMNS, stats, deviation: "sample" as const };
    return [{ source, row: [...row, ...cells] }];
  });
  return { columns: COLUMNS, rows };
}

/** Each row is a site's answer of its own: its value, the same as a sum, and the number of rows. */
function planOf(stats: readonly Stat[]): StatsPlan {
  const parts = stats.map((stat, at): Part => {
    const aggregate = stat.kind === "aggregate";
    const operation = aggregate ? stat.operation : "count";
    const sums = operation === "avg" || operation === "std" || operation === "avginv";
    const column = aggregate ? stat.column : undefined;
    return { operation, column, own: 2 * at, sum: sums ? 2 * at + 1 : undefined };
  });
  return { headers: [], width: 2 * stats.length + 1, parts, rows: 2 * stats.length };
}

function cellsOf(stats: readonly Stat[], plan: StatsPlan, known: (column: string) => number | string): Row {
  const cells = stats.flatMap((stat): Value[] => {
    if (stat.kind === "count") {
      const met = resolve(stat.condition, (condition) => decided(condition, known(condition.column)));
      return [Number(met.kind === "constant" && met.value), 0];
    }
    const value = Number(known(stat.column)) || 0;
    const counted = stat.operation === "suminv" || stat.operation === "avginv" ? 1 / value : value;
    return [stat.operation === "std" ? 0 : counted, counted];
  });
  return [...cells, plan.rows === undefined ? 0 : 1];
}

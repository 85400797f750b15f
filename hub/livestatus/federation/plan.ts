/** What each site is asked for a query, and how its rows are read. */

import { computedColumn } from "./computed.ts";
import {
  type Condition,
  combined,
  comparison,
  decided,
  type Expression,
  FILTER,
  headersOf,
  mentions,
  resolve,
} from "./expression.ts";
import { hubValue, isHubColumn } from "./hub-columns.ts";
import type { Peer } from "./peer.ts";
import type { Query, Stat } from "./query.ts";
import { keyColumn, planStats, type StatsPlan } from "./stats.ts";
import { scalar } from "./value.ts";

export interface SitePlan {
  /** A whole request: JSON behind a fixed16 head. */
  request: Buffer;
  /** The columns of its rows, in their order; undefined: the first row tells them. */
  columns: readonly string[] | undefined;
  /** Statistics follow the columns. */
  stats: StatsPlan | undefined;
}

export class Plan {
  readonly query: Query;
  readonly #filter: Expression;
  /** Whether conditions look at columns of the hub's, so that sites are asked different things. */
  readonly #differs: boolean;
  #common: SitePlan | undefined;

  constructor(query: Query) {
    this.query = query;
    this.#filter = combined("and", query.filters);
    const conditions = query.stats.flatMap((stat) => (stat.kind === "count" ? [stat.condition] : []));
    this.#differs = [this.#filter, ...conditions].some((each) => mentions(each, isOurs));
  }

  /**
   * What to ask a site; undefined when none of its rows can match.
   * @throws Refusal a condition on a column of the hub's that means nothing
   */
  for(peer: Peer): SitePlan | undefined {
    if (this.#differs) return this.#plan(peer);
    this.#common ??= this.#plan(peer);
    return this.#common;
  }

  #plan(peer: Peer): SitePlan | undefined {
    const settle = (condition: Condition) => settled(condition, peer);
    const filter = resolve(this.#filter, settle);
    if (filter.kind === "constant" && !filter.value) return undefined;
    const { query } = this;
    const columns = siteColumns(query);
    const stats =
      query.stats.length === 0
        ? undefined
        : planStats(
            query.stats.map((stat) => resolveStat(stat, settle)),
            query.table,
            // a core that groups by nothing answers a row when there are none
            (query.columns ?? []).length > 0 && columns?.length === 0,
          );
    const limit = pushedLimit(query);
    const lines = [
      `GET ${query.table}`,
      ...(columns === undefined ? ["ColumnHeaders: on"] : []),
      ...(columns && columns.length > 0 ? [`Columns: ${columns.join(" ")}`] : []),
      ...filterHeaders(filter),
      ...(stats?.headers ?? []),
      ...(limit === undefined ? [] : [`Limit: ${limit}`]),
      ...query.passed,
      "OutputFormat: json",
      "ResponseHeader: fixed16",
    ];
    return { request: Buffer.from(`${lines.join("\n")}\n\n`, "latin1"), columns, stats };
  }
}

/** The filters are joined by And in any case: so they can stand one by one, as they came. */
function filterHeaders(filter: Expression): string[] {
  const parts = filter.kind === "and" ? filter.parts : [filter];
  return parts.flatMap((part) => headersOf(part, FILTER));
}

function resolveStat(stat: Stat, settle: (condition: Condition) => Expression): Stat {
  return stat.kind === "count" ? { kind: "count", condition: resolve(stat.condition, settle) } : stat;
}

function isOurs(column: string): boolean {
  return isHubColumn(column) || computedColumn(column) !== undefined;
}

/** What a site is asked instead of a condition that only the hub understands. */
function settled(condition: Condition, peer: Peer): Expression {
  const value = hubValue(peer, condition.column);
  if (value !== undefined) return decided(condition, scalar(value));
  const { operator, operand } = comparison(condition);
  return computedColumn(condition.column)?.condition(operator, operand, peer) ?? condition;
}

/** What a site is asked to show; undefined: everything. */
function siteColumns({ columns, sort, stats, table }: Query): readonly string[] | undefined {
  if (columns === undefined) return undefined;
  const wanted = stats.length > 0 ? columns : [...columns, ...sort.map((key) => key.column)];
  const bases = wanted.map((column) => computedColumn(column)?.base ?? column);
  const asked = [...new Set(bases)].filter((column) => !isHubColumn(column));
  // a row must show something to be seen
  return asked.length === 0 && stats.length === 0 ? [keyColumn(table)] : asked;
}

/** How many rows of one site can matter. Of sorted ones any can, and a client may want all to be counted. */
function pushedLimit({ limit, offset, sort, stats, format }: Query): number | undefined {
  if (limit === undefined || sort.length > 0 || stats.length > 0 || format === "wrapped_json")
    return undefined;
  return limit + offset;
}

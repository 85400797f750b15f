/**
 * How statistics are taken apart, so that what each site counts by itself can be put together.
 *
 * Sums, counts, smallest and largest values merge as they are. For the others each site is asked for what they
 * are made of as well: how many rows there were, and the sum (or the sum of the inverses). So an average is
 * the sum of all sums through the number of all rows, as one core would compute it. A standard deviation is
 * put together from each site's number, mean and deviation (Chan, Golub, LeVeque 1979, "Updating formulae"),
 * which loses no digits where numbers are large and close to each other.
 */

import { Refusal } from "../../../common/livestatus/index.ts";
import { combined, condition, type Expression, headersOf, negated, STATS } from "./expression.ts";
import type { Operation, Stat } from "./query.ts";
import type { Row, Value } from "./value.ts";

/** What a deviation is divided by: the number of rows less one (Icinga 2, Naemon), or their number (Checkmk). */
export type Deviation = "sample" | "population";

/** One statistic of the client's, and where what it is made of stands in a site's answer. */
export interface Part {
  operation: Operation | "count";
  column: string | undefined;
  /** The statistic itself; undefined: its condition is known, and is met by no row. */
  own: number | undefined;
  /** The sum that an average is made of, or of the inverses. */
  sum: number | undefined;
}

/** What a site is asked. */
export interface StatsPlan {
  headers: string[];
  /** How many statistics the site is asked for. */
  width: number;
  parts: readonly Part[];
  /** Where the number of all rows stands; undefined when it does not matter. */
  rows: number | undefined;
}

/** A column that rows of a table have in any core, to count rows by. */
const KEYS: Readonly<Record<string, string>> = {
  services: "description",
  servicesbygroup: "description",
  servicesbyhostgroup: "description",
  status: "program_start",
  log: "time",
  comments: "id",
  downtimes: "id",
  statehist: "time",
  columns: "name",
};

/** A column of the table. */
export function keyColumn(table: string): string {
  return Object.hasOwn(KEYS, table) ? (KEYS[table] ?? "name") : "name";
}

/**
 * Plans the statistics of one site.
 * @param stats conditions resolved for the site
 * @param counted whether the number of rows matters for another reason
 */
export function planStats(stats: readonly Stat[], table: string, counted: boolean): StatsPlan {
  const headers: string[] = [];
  const places = new Map<string, number>();
  const place = (lines: readonly string[]): number => {
    const key = lines.join("\n");
    const known = places.get(key);
    if (known !== undefined) return known;
    places.set(key, places.size);
    headers.push(...lines);
    return places.size - 1;
  };
  const rows = () => place(headersOf(everyRow(stats, table), STATS));
  const aggregate = (operation: Operation, column: string) => place([`Stats: ${operation} ${column}`]);
  const parts = stats.map((stat): Part => {
    if (stat.kind === "count") {
      const { condition: met } = stat;
      const own = met.kind !== "constant" ? place(headersOf(met, STATS)) : met.value ? rows() : undefined;
      return { operation: "count", column: undefined, own, sum: undefined };
    }
    const { operation, column } = stat;
    const own = aggregate(operation, column);
    return { operation, column, own, sum: sumOf(operation, column, aggregate) };
  });
  const needsRows = counted || stats.some((stat) => stat.kind === "aggregate");
  // a core that is asked for nothing answers rows instead of numbers
  const atRows = needsRows || places.size === 0 ? rows() : undefined;
  return { headers, width: places.size, parts, rows: atRows };
}

function sumOf(
  operation: Operation,
  column: string,
  aggregate: (operation: Operation, column: string) => number,
): number | undefined {
  if (operation === "avg" || operation === "std") return aggregate("sum", column);
  return operation === "avginv" ? aggregate("suminv", column) : undefined;
}

/** A condition that every row meets: something or not. Each core has its own idea of an empty one. */
function everyRow(stats: readonly Stat[], table: string): Expression {
  for (const stat of stats) {
    if (stat.kind === "aggregate") return either(stat.column);
    if (stat.condition.kind !== "constant") return combined("or", [stat.condition, negated(stat.condition)]);
  }
  return either(keyColumn(table));
}

function either(column: string): Expression {
  return combined("or", [condition(`${column} = 0`), condition(`${column} != 0`)]);
}

/** @throws Refusal what a site says cannot be merged; asked for all its rows before the first is added */
export function checkCells({ parts, rows }: StatsPlan, cells: Row): void {
  if (rows !== undefined) count(cells[rows]);
  for (const part of parts) {
    if (part.own === undefined) continue;
    if (part.operation === "count") count(cells[part.own]);
    else {
      mustBeNumber(cells[part.own] ?? null, part);
      if (part.sum !== undefined) mustBeNumber(cells[part.sum] ?? null, part);
    }
  }
}

/** The statistics of the rows of one group, over all sites. */
export class Totals {
  readonly #merged: Merged[];

  constructor(stats: readonly Stat[]) {
    this.#merged = stats.map(() => ({ sites: 0, rows: 0, own: 0, total: 0, squares: 0 }));
  }

  /** Adds what one site says, which `checkCells` has found good unless it is the only one. */
  add(plan: StatsPlan, cells: Row, deviation: Deviation): void {
    const rows = plan.rows === undefined ? 1 : count(cells[plan.rows]);
    for (const [at, part] of plan.parts.entries()) {
      const merged = this.#merged[at];
      if (merged) add(merged, part, cells, rows, deviation);
    }
  }

  values(stats: readonly Stat[], deviation: Deviation): Value[] {
    return stats.map((stat, at) => {
      const merged = this.#merged[at];
      return merged ? result(merged, stat.kind === "count" ? "count" : stat.operation, deviation) : null;
    });
  }
}

interface Merged {
  /** Sites that had rows. */
  sites: number;
  rows: number;
  /** What the first site says, word for word: when it stays the only one, that is the answer. */
  own: Value;
  /** The sum, the smallest or the largest; null when a site cannot tell. */
  total: number | null;
  /** The sum of the squares of what each row is away from the mean. */
  squares: number;
}

function add(merged: Merged, part: Part, cells: Row, rows: number, deviation: Deviation): void {
  const own = part.own === undefined ? 0 : (cells[part.own] ?? null);
  if (part.operation === "count") {
    merged.sites++;
    merged.own = merged.sites === 1 ? own : merged.own;
    merged.total = (merged.total ?? 0) + count(own);
    return;
  }
  if (rows === 0) {
    // what this core says of no rows at all, unless another one has some
    if (merged.sites === 0) merged.own = own;
    return;
  }
  merged.sites++;
  if (merged.sites === 1) merged.own = own;
  const value = numberOf(part.sum === undefined ? own : (cells[part.sum] ?? null));
  if (value === null || merged.total === null) merged.total = null;
  else if (part.operation === "min") {
    merged.total = merged.rows === 0 ? value : Math.min(merged.total, value);
  } else if (part.operation === "max") {
    merged.total = merged.rows === 0 ? value : Math.max(merged.total, value);
  } else {
    if (part.operation === "std") addSquares(merged, value, rows, numberOf(own), deviation);
    merged.total += value;
  }
  merged.rows += rows;
}

/** @param sum of the site's values; @param std their deviation, of which cores say nothing for a single row */
function addSquares(
  merged: Merged,
  sum: number,
  rows: number,
  std: number | null,
  deviation: Deviation,
): void {
  const divisor = deviation === "sample" ? rows - 1 : rows;
  const own = (std ?? 0) ** 2 * divisor;
  const before = merged.rows;
  const apart = before === 0 ? 0 : sum / rows - (merged.total ?? 0) / before;
  merged.squares += own + apart ** 2 * ((before * rows) / (before + rows));
}

function result(merged: Merged, operation: Part["operation"], deviation: Deviation): Value {
  const { sites, rows, own, total, squares } = merged;
  // where all values are equal, rounding leaves cores with the root of less than nothing
  if (operation === "std" && own === null && rows > 1 && sites === 1 && total !== null) return 0;
  if (sites <= 1) return own;
  if (total === null) return null;
  switch (operation) {
    case "avg":
    case "avginv":
      return total / rows;
    case "std":
      return Math.sqrt(squares / (deviation === "sample" ? rows - 1 : rows));
    default:
      return total;
  }
}

function count(cell: Value | undefined): number {
  if (typeof cell === "number" && cell >= 0) return cell;
  throw new Refusal(502, "its answer holds no number where a count was asked for");
}

function mustBeNumber(cell: Value, { operation, column }: Part): void {
  if (cell === null || typeof cell === "number") return;
  throw new Refusal(502, `its ${operation} of ${column} is no number, and cannot be merged`);
}

function numberOf(cell: Value): number | null {
  return typeof cell === "number" ? cell : null;
}

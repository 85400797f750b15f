/** How the rows of many sites become one answer. */

import { Refusal } from "../../../common/livestatus/index.ts";
import { computedColumn } from "./computed.ts";
import { hubValue } from "./hub-columns.ts";
import type { Share } from "./memory.ts";
import type { Peer } from "./peer.ts";
import type { Query, SortKey } from "./query.ts";
import { type Deviation, type StatsPlan, Totals } from "./stats.ts";
import { compareValues, entryOf, type Row, type Value } from "./value.ts";

/** One site's part in an answer. */
export interface Source {
  peer: Peer;
  /** Its place among the sites. */
  index: number;
  /** Of its rows. */
  columns: readonly string[];
  stats: StatsPlan | undefined;
  deviation: Deviation;
}

export interface Collector {
  /** No further row can matter. */
  readonly satisfied: boolean;
  /** Rows of the whole result, before Offset and Limit; whole when all sites have told theirs. */
  readonly total: number;
  /** Takes a row of a site's; gives one that can go out now. @throws Refusal it cannot be merged */
  take(source: Source, row: Row): Row | undefined;
  /** What is left when all sites are done. */
  finish(): Iterable<Row>;
}

/**
 * @param columns what the answer shows, in its order
 * @param memory for what is held until all sites are done
 */
export function collector(query: Query, columns: readonly string[], memory: Share): Collector {
  if (query.stats.length > 0) return new Groups(query, columns, memory);
  return query.sort.length > 0 ? new Sorted(query, columns, memory) : new Passing(query, columns);
}

/** Rows in the order in which they come, through the window that Offset and Limit make. */
class Passing implements Collector {
  total = 0;
  readonly #projections: Projections;
  readonly #query: Query;

  constructor(query: Query, columns: readonly string[]) {
    this.#query = query;
    this.#projections = new Projections(columns);
  }

  get satisfied(): boolean {
    const { offset, limit, format } = this.#query;
    return limit !== undefined && format !== "wrapped_json" && this.total >= offset + limit;
  }

  take(source: Source, row: Row): Row | undefined {
    const { offset, limit } = this.#query;
    const at = this.total++;
    if (at < offset || (limit !== undefined && at >= offset + limit)) return undefined;
    return this.#projections.of(source)(row);
  }

  finish(): Iterable<Row> {
    return [];
  }
}

/** Rows beyond those that can still matter, so that sorting them out pays. */
const SLACK = 1_000;

interface Held {
  row: Row;
  keys: Row;
  /** For those that are equal otherwise: the sites in their order, each one's rows as they came. */
  source: number;
  place: number;
  bytes: number;
}

/** All rows, sorted; with a Limit only those that can still be among the first ones. */
class Sorted implements Collector {
  readonly satisfied = false;
  total = 0;
  #held: Held[] = [];
  readonly #query: Query;
  readonly #memory: Share;
  readonly #columns: Projections;
  readonly #keys: Projections;

  constructor(query: Query, columns: readonly string[], memory: Share) {
    this.#query = query;
    this.#memory = memory;
    this.#columns = new Projections(columns);
    this.#keys = new Projections(query.sort.map((key) => key.column));
  }

  take(source: Source, row: Row): undefined {
    const place = this.total++;
    const own = this.#columns.of(source)(row);
    const values = this.#keys.of(source)(row);
    const keys = this.#query.sort.map(({ entry }, at) => {
      const value = values[at] ?? null;
      return entry === undefined ? value : entryOf(value, entry);
    });
    const bytes = sizeOf(own) + sizeOf(keys);
    this.#held.push({ row: own, keys, source: source.index, place, bytes });
    const { most } = this;
    if (this.#held.length >= 2 * most + SLACK) this.#prune(most);
    if (this.#memory.take(bytes)) return;
    this.#prune(most);
    if (!this.#memory.take(0))
      throw new Refusal(413, "too many rows to sort: give a Limit, or leave out Sort");
  }

  get most(): number {
    const { offset, limit } = this.#query;
    return limit === undefined ? Number.POSITIVE_INFINITY : offset + limit;
  }

  #prune(most: number): void {
    const { sort } = this.#query;
    this.#held.sort((a, b) => compareKeys(sort, a.keys, b.keys) || a.source - b.source || a.place - b.place);
    for (const { bytes } of this.#held.splice(most)) this.#memory.give(bytes);
  }

  *finish(): Iterable<Row> {
    this.#prune(this.most);
    const held = this.#held;
    this.#held = [];
    for (const { row } of held.slice(this.#query.offset)) yield row;
  }
}

/** What one statistic of a group takes, about. */
const GROUP_BYTES = 64;

interface Group {
  values: Row;
  totals: Totals;
}

/** Statistics, merged by what they are grouped by, and sorted by that unless the query says otherwise. */
class Groups implements Collector {
  readonly satisfied = false;
  readonly #query: Query;
  readonly #columns: readonly string[];
  readonly #projections: Projections;
  readonly #groups = new Map<string, Group>();
  readonly #memory: Share;
  #deviation: Deviation = "population";

  constructor(query: Query, columns: readonly string[], memory: Share) {
    this.#query = query;
    this.#memory = memory;
    this.#columns = columns;
    this.#projections = new Projections(query.columns ?? []);
    // without groups there is a row even when no site has any
    if (this.#projections.columns.length === 0) this.#group([]);
  }

  get total(): number {
    return this.#groups.size;
  }

  take(source: Source, row: Row): undefined {
    const { stats, deviation } = source;
    if (!stats) return;
    const cells = row.slice(source.columns.length);
    if (this.#projections.columns.length > 0 && stats.rows !== undefined && cells[stats.rows] === 0) return;
    // cores that disagree: the usual definition
    if (deviation === "sample") this.#deviation = "sample";
    this.#group(this.#projections.of(source)(row)).totals.add(stats, cells, deviation);
  }

  #group(values: Row): Group {
    const key = JSON.stringify(values);
    const known = this.#groups.get(key);
    if (known) return known;
    if (!this.#memory.take(key.length + GROUP_BYTES * this.#query.stats.length)) {
      throw new Refusal(413, "the statistics have too many groups");
    }
    const group = { values, totals: new Totals(this.#query.stats) };
    this.#groups.set(key, group);
    return group;
  }

  *finish(): Iterable<Row> {
    const { sort, stats, offset, limit } = this.#query;
    const rows = [...this.#groups.values()].map(({ values, totals }) => [
      ...values,
      ...totals.values(stats, this.#deviation),
    ]);
    const keys = sort.map(({ column }) => this.#columns.indexOf(column));
    rows.sort(
      (a, b) =>
        compareKeys(
          sort,
          keys.map((at) => a[at] ?? null),
          keys.map((at) => b[at] ?? null),
        ) || compareValues(a, b),
    );
    yield* rows.slice(offset, limit === undefined ? undefined : offset + limit);
  }
}

function compareKeys(sort: readonly SortKey[], a: Row, b: Row): number {
  for (const [at, { descending }] of sort.entries()) {
    const difference = compareValues(a[at] ?? null, b[at] ?? null);
    if (difference !== 0) return descending ? -difference : difference;
  }
  return 0;
}

/** How the columns that are wanted come out of each site's rows. */
class Projections {
  #last: { source: Source; project: (row: Row) => Row } | undefined;

  constructor(readonly columns: readonly string[]) {}

  of(source: Source): (row: Row) => Row {
    if (this.#last?.source !== source) this.#last = { source, project: projection(source, this.columns) };
    return this.#last.project;
  }
}

/** Where a cell comes from: its place in the row, what is made of the row, or a value that is known. */
type Origin = number | ((row: Row) => Value) | { known: Value };

function projection(source: Source, wanted: readonly string[]): (row: Row) => Row {
  const from = wanted.map((name) => originOf(source, name));
  if (wanted.length === source.columns.length && from.every((at, place) => at === place)) {
    return (row) => (row.length === wanted.length ? row : row.slice(0, wanted.length));
  }
  return (row) =>
    from.map((at): Value => {
      if (typeof at === "number") return row[at] ?? null;
      return typeof at === "function" ? at(row) : at.known;
    });
}

function originOf({ columns, peer }: Source, name: string): Origin {
  const known = hubValue(peer, name);
  if (known !== undefined) return { known };
  const place = columns.indexOf(name);
  const computed = place < 0 ? computedColumn(name) : undefined;
  if (!computed) return place;
  const base = columns.indexOf(computed.base);
  return (row) => computed.of(row[base] ?? null, peer);
}

function sizeOf(row: Row): number {
  return JSON.stringify(row).length;
}

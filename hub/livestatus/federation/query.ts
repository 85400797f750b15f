/** Reads a GET into what it asks. Strict: what this hub does not understand it cannot merge. */

import { headerValue, Refusal, type Request } from "../../../common/livestatus/index.ts";
import { computedColumn } from "./computed.ts";
import { combined, condition, type Expression, negated } from "./expression.ts";

export const OPERATIONS = ["sum", "min", "max", "avg", "std", "suminv", "avginv"] as const;
export type Operation = (typeof OPERATIONS)[number];

export type Stat =
  | { kind: "count"; condition: Expression }
  | { kind: "aggregate"; operation: Operation; column: string };

export interface SortKey {
  column: string;
  /** Which entry of the column's dictionary. */
  entry: string | undefined;
  descending: boolean;
}

export const FORMATS = ["csv", "CSV", "json", "python", "python3", "wrapped_json"] as const;
export type FormatName = (typeof FORMATS)[number];

export interface Separators {
  row: string;
  field: string;
  list: string;
  pair: string;
}

export interface Query {
  table: string;
  /** Undefined: all that the table has. */
  columns: readonly string[] | undefined;
  /** All of them must be met. */
  filters: readonly Expression[];
  stats: readonly Stat[];
  columnHeaders: boolean;
  limit: number | undefined;
  offset: number;
  sort: readonly SortKey[];
  format: FormatName;
  separators: Separators;
  /** Keys of the sites that are asked; undefined: all. */
  backends: readonly string[] | undefined;
  /** ms for the sites; undefined: the client leaves it to the hub. */
  timeLimit: number | undefined;
  /** Headers for the cores alone, in their order. */
  passed: readonly string[];
  /** It waits for something to happen, as long as `wait` ms. */
  waits: boolean;
  wait: number;
}

/** Columns and sort keys that a query may name. */
const MOST_COLUMNS = 1_000;
/** Rows that can be asked for or left out: numbers are exact up to here in any core. */
const MOST_ROWS = 0x7fff_ffff;
/** ms that a client may give the sites, and that a core may wait by itself. */
const LONGEST_TIME = 3_600_000;
const LONGEST_WAIT = 600_000;

/** What goes on to the cores as it is. `Localtime` and `AuthUser` mean the same to each of them. */
const PASSED = new Set(["AuthUser", "Localtime"]);
/** Between the client and whoever takes its connection. */
const ASIDE = new Set(["ResponseHeader", "KeepAlive", "Cache"]);

/** Gives why it cannot be answered instead, naming the header. */
export function parseQuery(request: Request): Query | Refusal {
  const draft = new Draft(request.target);
  for (const { name, value } of request.headers) {
    try {
      draft.take(name, value);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return new Refusal(error.code, `while processing header '${printable(name)}': ${error.message}`);
    }
  }
  return draft.query(headerValue(request, "ColumnHeaders"));
}

class Draft {
  #columns: string[] | undefined;
  readonly #filters: Expression[] = [];
  readonly #stats: Stat[] = [];
  readonly #sort: SortKey[] = [];
  readonly #passed: string[] = [];
  readonly #rest: Pick<Query, "limit" | "offset" | "format" | "separators" | "backends" | "timeLimit"> = {
    limit: undefined,
    offset: 0,
    format: "csv",
    separators: { row: "\n", field: ";", list: ",", pair: "|" },
    backends: undefined,
    timeLimit: undefined,
  };
  #waits = false;
  #wait = 0;

  constructor(private readonly table: string) {}

  take(name: string, value: string): void {
    switch (name) {
      case "Columns":
      // its old name
      case "StatsGroupBy":
        this.#columns = [...(this.#columns ?? []), ...wordsOf(value)];
        if (this.#columns.length > MOST_COLUMNS) throw new Refusal(400, "too many columns");
        break;
      case "Filter":
        this.#filters.push(condition(value));
        break;
      case "And":
      case "Or":
        combine(this.#filters, name, value);
        break;
      case "Negate":
        this.#filters.push(negated(top(this.#filters.splice(-1))));
        break;
      case "Stats":
        this.#stats.push(statOf(value));
        break;
      case "StatsAnd":
      case "StatsOr":
        this.#combineStats(name === "StatsAnd" ? "And" : "Or", value);
        break;
      case "StatsNegate":
        this.#stats.push({ kind: "count", condition: negated(conditionOf(top(this.#stats.splice(-1)))) });
        break;
      case "Sort":
        this.#sort.push(sortKeyOf(value));
        if (this.#sort.length > MOST_COLUMNS) throw new Refusal(400, "too many sort keys");
        break;
      default:
        this.#takeOther(name, value);
    }
  }

  #takeOther(name: string, value: string): void {
    const rest = this.#rest;
    switch (name) {
      case "Limit":
        rest.limit = wholeNumber(value, MOST_ROWS);
        break;
      case "Offset":
        rest.offset = wholeNumber(value, MOST_ROWS);
        break;
      case "OutputFormat":
        rest.format = formatOf(value);
        break;
      case "Separators":
        rest.separators = separatorsOf(value);
        break;
      case "Backends":
        rest.backends = [...new Set([...(rest.backends ?? []), ...wordsOf(value)])];
        break;
      case "Timelimit":
        rest.timeLimit = wholeNumber(value, LONGEST_TIME / 1_000) * 1_000;
        if (rest.timeLimit === 0) throw new Refusal(400, "expected a number of seconds");
        break;
      case "ColumnHeaders":
        if (value !== "on" && value !== "off") throw new Refusal(400, "expected 'on' or 'off'");
        break;
      default:
        this.#takePassed(name, value);
    }
  }

  #takePassed(name: string, value: string): void {
    if (ASIDE.has(name)) return;
    const waits = /^Wait(?:Trigger|Object|Timeout|Condition(?:And|Or|Negate)?)$/.test(name);
    if (!waits && !PASSED.has(name)) throw new Refusal(400, "undefined request header");
    if (waits) this.#waits = true;
    if (name === "WaitTimeout") this.#wait = wholeNumber(value, LONGEST_WAIT);
    this.#passed.push(`${name}: ${value}`);
  }

  #combineStats(name: "And" | "Or", value: string): void {
    const count = wholeNumber(value, this.#stats.length, "there are fewer conditions before it");
    const taken = count === 0 ? [] : this.#stats.splice(-count);
    const kind = name === "And" ? "and" : "or";
    this.#stats.push({ kind: "count", condition: combined(kind, taken.map(conditionOf)) });
  }

  query(columnHeaders: string | undefined): Query {
    // without both the columns are not known to who asks: cores then tell them in any case
    const allColumns = this.#columns === undefined && this.#stats.length === 0;
    return {
      table: this.table,
      columns: this.#columns ?? (allColumns ? undefined : []),
      filters: this.#filters,
      stats: this.#stats,
      columnHeaders: allColumns || columnHeaders === "on",
      sort: this.#sort,
      passed: this.#passed,
      waits: this.#waits,
      wait: this.#wait,
      ...this.#rest,
    };
  }
}

function combine(stack: Expression[], name: "And" | "Or", value: string): void {
  const count = wholeNumber(value, stack.length, "there are fewer filters before it");
  const taken = count === 0 ? [] : stack.splice(-count);
  stack.push(combined(name === "And" ? "and" : "or", taken));
}

function top<T>(taken: readonly T[]): T {
  const [last] = taken;
  if (last === undefined) throw new Refusal(400, "there is nothing before it to negate");
  return last;
}

function statOf(value: string): Stat {
  const [first, second, ...more] = wordsOf(value);
  const operation = OPERATIONS.find((name) => name === first);
  if (!operation) return { kind: "count", condition: condition(value) };
  if (second === undefined || more.length > 0) throw new Refusal(400, `expected ${operation} COLUMN`);
  const computed = computedColumn(second);
  if (computed)
    throw new Refusal(400, `the hub computes this column: only ${computed.base} can be summed up`);
  return { kind: "aggregate", operation, column: second };
}

function conditionOf(stat: Stat): Expression {
  if (stat.kind === "count") return stat.condition;
  throw new Refusal(400, "only counts can be combined");
}

/** As LMD: `COLUMN`, `COLUMN asc|desc`, `COLUMN ENTRY asc|desc`. */
function sortKeyOf(value: string): SortKey {
  const [column, ...rest] = wordsOf(value);
  const direction = rest.length > 0 ? rest.at(-1)?.toLowerCase() : "asc";
  if (column === undefined || rest.length > 2 || (direction !== "asc" && direction !== "desc")) {
    throw new Refusal(400, "expected COLUMN asc or COLUMN desc");
  }
  return { column, entry: rest.length === 2 ? rest[0] : undefined, descending: direction === "desc" };
}

function formatOf(value: string): FormatName {
  const format = FORMATS.find((name) => name === value);
  if (format) return format;
  throw new Refusal(400, `missing/invalid output format, use one of ${FORMATS.join(", ")}`);
}

function separatorsOf(value: string): Separators {
  const [row, field, list, pair, ...more] = wordsOf(value).map((word) =>
    String.fromCharCode(wholeNumber(word, 127)),
  );
  if (row === undefined || field === undefined || list === undefined || pair === undefined || more.length > 0)
    throw new Refusal(400, "expected four numbers");
  return { row, field, list, pair };
}

function wholeNumber(value: string, most: number, beyond = `expected at most ${most}`): number {
  if (!/^\d{1,10}$/.test(value)) throw new Refusal(400, "expected a non-negative integer");
  const number = Number(value);
  if (number > most) throw new Refusal(400, beyond);
  return number;
}

function wordsOf(value: string): string[] {
  return value.split(/\s+/).filter((word) => word !== "");
}

function printable(name: string): string {
  return name.slice(0, 40).replace(/[^ -~]/g, "?");
}

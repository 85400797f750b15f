/**
 * A monitoring core in memory, written apart from the hub's own understanding of queries: what one core with
 * all rows would answer is what many cores with a part each must add up to.
 */

export type Cell = null | boolean | number | string | readonly Cell[];
export type Item = Readonly<Record<string, Cell>>;
export type Tables = Readonly<Record<string, readonly Item[]>>;

/** How the families of cores differ in statistics, as seen with Icinga 2 and read in Checkmk's sources. */
export type Family = "icinga" | "checkmk";

export interface Quirks {
  family: Family;
  /** Without any rows, statistics lose the columns that they are grouped by: a row of zeros stands for none. */
  forgetful: boolean;
}

export interface Answer {
  code: number;
  rows: Cell[][];
  message: string;
}

type Test = (item: Item) => boolean;
type Stat = { met: Test } | { operation: string; column: string };

/** Answers a query over the tables; understands LMD's Sort and Offset as well. */
export function evaluate(tables: Tables, text: string, quirks: Quirks): Answer {
  try {
    return { code: 200, rows: select(tables, text.trimEnd().split("\n"), quirks), message: "" };
  } catch (error) {
    return { code: 452, rows: [], message: (error as Error).message };
  }
}

function select(tables: Tables, [first = "", ...lines]: string[], quirks: Quirks): Cell[][] {
  const items = tables[first.replace("GET ", "").trim()];
  if (!items) throw new Error("no such table");
  const filters: Test[] = [];
  const stats: Stat[] = [];
  const header = new Map<string, string>();
  const sorts: { column: string; sign: number }[] = [];
  for (const line of lines) {
    const [, name = "", value = ""] = /^([A-Za-z]+): ?(.*)$/s.exec(line) ?? [];
    if (name === "Filter") filters.push(testOf(value));
    else if (name === "And" || name === "Or") joined(filters, name, Number(value));
    else if (name === "Negate") {
      const last = filters.pop() as Test;
      filters.push((item) => !last(item));
    } else if (name === "Stats") stats.push(statOf(value));
    else if (name === "StatsAnd" || name === "StatsOr") joinedStats(stats, name.slice(5), Number(value));
    else if (name === "StatsNegate") {
      const { met } = stats.pop() as { met: Test };
      stats.push({ met: (item) => !met(item) });
    } else if (name === "Sort") {
      const [column = "", direction] = value.split(" ");
      sorts.push({ column, sign: direction === "desc" ? -1 : 1 });
    } else header.set(name, value);
  }
  const found = items.filter((item) => filters.every((test) => test(item)));
  const columns = header.get("Columns")?.split(" ");
  const limit = Number(header.get("Limit") ?? Number.POSITIVE_INFINITY);
  const offset = Number(header.get("Offset") ?? 0);
  const all = Object.keys(items[0] ?? {});
  const names =
    stats.length > 0 ? [...(columns ?? []), ...stats.map((_, at) => `stats_${at + 1}`)] : (columns ?? all);
  const rows =
    stats.length > 0
      ? grouped(found, columns ?? [], stats, quirks)
      : sorted(found, sorts, (item, column) => item[column] ?? null).map((item) =>
          names.map((name) => cellOf(item, name)),
        );
  const ordered =
    stats.length > 0 ? sorted(rows, sorts, (row, column) => row[names.indexOf(column)] ?? null) : rows;
  const told = header.get("ColumnHeaders") === "on" || (stats.length === 0 && !columns) ? [names] : [];
  return [
    ...(ordered.length > 0 || columns || stats.length > 0 ? told : []),
    ...ordered.slice(offset, offset + limit),
  ];
}

function cellOf(item: Item, name: string): Cell {
  if (!(name in item)) throw new Error(`no such column: ${name}`);
  return item[name] ?? null;
}

function sorted<T>(
  list: readonly T[],
  sorts: { column: string; sign: number }[],
  value: (each: T, column: string) => Cell,
): T[] {
  return [...list].sort((a, b) => {
    for (const { column, sign } of sorts) {
      const order = compare(value(a, column), value(b, column));
      if (order !== 0) return order * sign;
    }
    return 0;
  });
}

export function compare(a: Cell, b: Cell): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (Array.isArray(a) && Array.isArray(b)) {
    for (const [at, cell] of a.entries()) {
      if (at >= b.length) return 1;
      const order = compare(cell, b[at]);
      if (order !== 0) return order;
    }
    return a.length - b.length;
  }
  return String(a) < String(b) ? -1 : Number(String(a) > String(b));
}

function grouped(
  items: readonly Item[],
  columns: readonly string[],
  stats: readonly Stat[],
  { family, forgetful }: Quirks,
): Cell[][] {
  const groups = Map.groupBy(items, (item) => JSON.stringify(columns.map((name) => cellOf(item, name))));
  if (items.length === 0) {
    return columns.length > 0 && !forgetful ? [] : [stats.map((stat) => none(stat, family))];
  }
  return [...groups]
    .map(([key, members]) => [
      ...(JSON.parse(key) as Cell[]),
      ...stats.map((stat) => statistic(members, stat, family)),
    ])
    .sort((a, b) => compare(a, b));
}

function none(stat: Stat, family: Family): Cell {
  if (family === "icinga" || "met" in stat) return 0;
  return ["avg", "std", "avginv"].includes(stat.operation) ? null : 0;
}

function statistic(items: readonly Item[], stat: Stat, family: Family): Cell {
  if ("met" in stat) return items.filter(stat.met).length;
  const values = items.map((item) => Number(cellOf(item, stat.column)));
  const sum = (list: readonly number[]) => list.reduce((total, value) => total + value, 0);
  const inverse = values.map((value) => 1 / value);
  const mean = sum(values) / values.length;
  switch (stat.operation) {
    case "sum":
      return sum(values);
    case "min":
      return Math.min(...values);
    case "max":
      return Math.max(...values);
    case "avg":
      return mean;
    case "suminv":
      return sum(inverse);
    case "avginv":
      return sum(inverse) / values.length;
    default: {
      const divisor = family === "icinga" ? values.length - 1 : values.length;
      return divisor === 0 ? null : Math.sqrt(sum(values.map((value) => (value - mean) ** 2)) / divisor);
    }
  }
}

function statOf(value: string): Stat {
  const [, operation, column] = /^(sum|min|max|avg|std|suminv|avginv) (\S+)$/.exec(value) ?? [];
  return operation && column ? { operation, column } : { met: testOf(value) };
}

function joined(stack: Test[], how: string, count: number): void {
  const parts = count === 0 ? [] : stack.splice(-count);
  stack.push((item) =>
    how === "And" ? parts.every((part) => part(item)) : parts.some((part) => part(item)),
  );
}

function joinedStats(stack: Stat[], how: string, count: number): void {
  const parts = (count === 0 ? [] : stack.splice(-count)).map((stat) => (stat as { met: Test }).met);
  joined(parts, how, parts.length);
  stack.push({ met: parts[0] as Test });
}

function testOf(text: string): Test {
  const [, column = "", operator = "", operand = ""] = /^(\S+) (\S+) ?(.*)$/s.exec(text) ?? [];
  const opposite = operator.startsWith("!");
  const bare = opposite ? operator.slice(1) : operator;
  return (item) => met(cellOf(item, column), bare, operand) !== opposite;
}

function met(cell: Cell, operator: string, operand: string): boolean {
  if (Array.isArray(cell)) {
    const empty = operand === "" && cell.length === 0;
    return operator === "=" ? empty : operator === "<" ? !cell.includes(operand) : cell.includes(operand);
  }
  const other = typeof cell === "number" ? Number(operand) : operand;
  const value = typeof cell === "number" ? cell : String(cell);
  switch (operator) {
    case "=":
      return value === other;
    case "~":
      return new RegExp(operand).test(String(cell));
    case "~~":
      return new RegExp(operand, "i").test(String(cell));
    case "=~":
      return String(cell).toLowerCase() === operand.toLowerCase();
    case "<":
      return value < other;
    case ">":
      return value > other;
    case "<=":
      return value <= other;
    case ">=":
      return value >= other;
    default:
      throw new Error(`no such operator: ${operator}`);
  }
}

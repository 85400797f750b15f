/** Queries of all kinds for one table, thrown with dice from the columns and the values that a core has. */
import { rows, type Target } from "../../lab/livestatus.ts";
import type { Dice } from "../../unit/session/rig.ts";
import { HALF_CLOSE, type Step } from "./client.ts";

type Kind = "text" | "number" | "list";

interface Column {
  name: string;
  kind: Kind;
  /** What rows really hold, as a filter may name it. */
  values: readonly string[];
}

export interface Table {
  name: string;
  columns: readonly Column[];
  /** Whether a query may leave out `Columns`, which asks for all: none varies. */
  steady: boolean;
}

export interface Question {
  /** For messages. */
  text: string;
  steps: readonly Step[];
}

/** Columns that change by themselves: ages, rates, and counters of what the core does. */
export const VOLATILE =
  /staleness|_rate$|^connections$|^requests$|^(host|service)_checks$|^external_command|^livestatus_|^neb_callbacks$|^log_messages$|^forks$/;

const FORMATS = [undefined, "csv", "json", "python", "json", "csv", "python", "python3", "wrapped_json"];
/** The server ends it; the client does after the query; a kept connection with a second query on it. */
const ENDINGS = ["server", "client", "kept"] as const;
const SEPARATORS = ["10 59 44 124", "0 1 2 3", "30 31 29 28"];
const USERS = ["admin", "web", "nobody-of-this-name"];
const SAMPLE = 40;

const OPERATORS: Record<Kind, readonly string[]> = {
  text: ["=", "!=", "~", "!~", "~~", "=~", "!=~", "<", ">="],
  number: ["=", "!=", "<", ">", "<=", ">="],
  list: [">=", "<", "=", "!="],
};

/** Asks a core what a table holds. */
export async function learn(core: Target, name: string): Promise<Table> {
  const [head = [], ...sample] = await rows(core, `GET ${name}\nColumnHeaders: on\nLimit: ${SAMPLE}`);
  const all = head.map((column, at) =>
    describe(
      String(column),
      sample.map((row) => row[at]),
    ),
  );
  const columns = all.filter((column) => !VOLATILE.test(column.name));
  return { name, columns, steady: columns.length === all.length };
}

function describe(name: string, cells: readonly unknown[]): Column {
  const kind: Kind = cells.some(Array.isArray)
    ? "list"
    : cells.some((cell) => typeof cell === "number" || typeof cell === "boolean")
      ? "number"
      : "text";
  const values = cells
    .flat()
    .filter((value) => typeof value === "string" || typeof value === "number")
    .map(String)
    .filter((value) => value !== "" && !value.includes("\n"));
  return { name, kind, values: [...new Set(values)] };
}

/**
 * The question of a number: the number decides format, header and ending, so that few questions already have
 * all of them; the dice decide the rest.
 */
export function question(table: Table, number: number, dice: Dice): Question {
  const format = FORMATS[number % FORMATS.length];
  const ending = ENDINGS[Math.floor(number / 2) % ENDINGS.length] ?? "server";
  const fixed = number % 2 === 0;
  const options = [
    ...(format === undefined ? [] : [`OutputFormat: ${format}`]),
    ...(fixed ? ["ResponseHeader: fixed16"] : chance(dice, 0.2, () => "ResponseHeader: off")),
    ...(ending === "kept" ? ["KeepAlive: on"] : chance(dice, 0.2, () => "KeepAlive: off")),
    ...chance(dice, 0.4, () => `ColumnHeaders: ${pick(dice, ["on", "on", "off"])}`),
    ...chance(dice, 0.25, () => `Separators: ${pick(dice, SEPARATORS)}`),
    ...chance(dice, 0.25, () => `AuthUser: ${pick(dice, USERS)}`),
    ...chance(dice, 0.2, () => `Localtime: ${Math.floor(Date.now() / 1_000)}`),
    // most answers small, some with every row
    ...chance(dice, 0.75, () => `Limit: ${pick(dice, [1, 7, 50, 333])}`),
  ];
  const lines = [`GET ${table.name}`, ...body(table, dice), ...shuffled(dice, options)];
  const text = `${lines.join("\n")}\n\n`;
  const second = `GET status\nColumns: program_version num_hosts\nOutputFormat: json\n${fixed ? "ResponseHeader: fixed16\n" : ""}\n`;
  const endings: Record<(typeof ENDINGS)[number], Step[]> = {
    server: [text],
    client: [text, HALF_CLOSE],
    kept: [text + second],
  };
  const steps = endings[ending];
  return { text: `${lines.join(" | ")} (ended by: ${ending})`, steps };
}

function body(table: Table, dice: Dice): string[] {
  const filters = dice.unit() < 0.6 ? conditions(table, dice, "Filter:", "") : [];
  const numbers = table.columns.filter((column) => column.kind === "number");
  if (numbers.length > 0 && dice.unit() < 0.3) {
    const stats = [
      ...conditions(table, dice, "Stats:", "Stats"),
      ...chance(
        dice,
        0.5,
        () => `Stats: ${pick(dice, ["sum", "min", "max", "avg", "std"])} ${pick(dice, numbers).name}`,
      ),
    ];
    return [...chance(dice, 0.5, () => columnsOf(table, dice, 2)), ...filters, ...stats];
  }
  if (table.steady && dice.unit() < 0.2) return filters;
  return [columnsOf(table, dice, 8), ...filters];
}

function columnsOf(table: Table, dice: Dice, most: number): string {
  const count = 1 + dice.upTo(most);
  return `Columns: ${shuffled(dice, table.columns)
    .slice(0, count)
    .map((column) => column.name)
    .join(" ")}`;
}

/** One to three conditions, joined and perhaps turned round. */
function conditions(table: Table, dice: Dice, header: string, joint: "" | "Stats"): string[] {
  const useful = table.columns.filter((column) => column.values.length > 0);
  if (useful.length === 0) return [];
  const lines = Array.from(
    { length: 1 + dice.upTo(3) },
    () => `${header} ${condition(pick(dice, useful), dice)}`,
  );
  const joined =
    lines.length > 1 && dice.unit() < 0.7 ? [`${joint}${pick(dice, ["And", "Or"])}: ${lines.length}`] : [];
  return [...lines, ...joined, ...chance(dice, 0.15, () => `${joint}Negate:`)];
}

function condition(column: Column, dice: Dice): string {
  const operator = pick(dice, OPERATORS[column.kind]);
  const value = pick(dice, column.values);
  if (column.kind === "list") return `${column.name} ${operator}${/[<>]/.test(operator) ? ` ${value}` : ""}`;
  if (!operator.includes("~") || operator.endsWith("=~")) return `${column.name} ${operator} ${value}`;
  // a word of it, which is the same as a regular expression
  return `${column.name} ${operator} ${/[\p{L}\d]+/u.exec(value)?.[0] ?? "."}`;
}

function chance<T>(dice: Dice, probability: number, make: () => T): T[] {
  return dice.unit() < probability ? [make()] : [];
}

function pick<T>(dice: Dice, from: readonly T[]): T {
  return from[dice.upTo(from.length)] as T;
}

function shuffled<T>(dice: Dice, list: readonly T[]): T[] {
  return list
    .map((value) => ({ value, at: dice.unit() }))
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value);
}

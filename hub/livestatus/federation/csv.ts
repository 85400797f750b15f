/** `csv` as Livestatus has always had it, without any quoting, and `CSV` as RFC 4180 has it. */

import type { Separators } from "./query.ts";
import type { Row, Value } from "./value.ts";

/** A row; what holds a separator itself cannot be told apart, as ever. */
export function csv(row: Row, separators: Separators): string {
  return row.map((value) => cell(value, separators)).join(separators.field) + separators.row;
}

const RFC_4180: Separators = { row: "\r\n", field: ",", list: ",", pair: "|" };

export function quotedCsv(row: Row): string {
  const cells = row.map((value) => `"${cell(value, RFC_4180).replaceAll('"', '""')}"`);
  return cells.join(RFC_4180.field) + RFC_4180.row;
}

/** Lists are joined by one separator, what is within their elements by the other. */
function cell(value: Value, { list, pair }: Separators): string {
  if (value === null || typeof value !== "object") return plain(value);
  if (Array.isArray(value)) return value.map((element: Value) => inner(element, pair)).join(list);
  return Object.entries(value)
    .map(([key, entry]) => `${key}${pair}${inner(entry, pair)}`)
    .join(list);
}

function inner(value: Value, pair: string): string {
  if (value === null || typeof value !== "object") return plain(value);
  return Object.values(value)
    .map((element: Value) => inner(element, pair))
    .join(pair);
}

function plain(value: null | boolean | number | string): string {
  if (value === null) return "";
  return typeof value === "boolean" ? String(Number(value)) : String(value);
}

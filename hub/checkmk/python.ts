/** Python literals, laid out as people write them. */

import { pythonString } from "../../common/python/index.ts";

/** A tuple; an array becomes a list. */
export class Tuple {
  readonly items: readonly Python[];

  constructor(...items: readonly Python[]) {
    this.items = items;
  }
}

export type Python =
  | null
  | boolean
  | number
  | string
  | Tuple
  | readonly Python[]
  | { readonly [key: string]: Python };

const INDENT = "    ";

/** @param indent what stands before the line in which the literal begins */
export function pythonLiteral(value: Python, indent = ""): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return pythonString(value);
  if (value instanceof Tuple) {
    const items = value.items.map((item) => pythonLiteral(item, indent));
    return `(${items.join(", ")}${items.length === 1 ? "," : ""})`;
  }
  const inner = `${indent}${INDENT}`;
  if (isList(value)) {
    const items = value.map((item) => pythonLiteral(item, inner));
    return block("[", items, "]", indent);
  }
  const entries = Object.entries(value).map(
    ([key, entry]) => `${pythonString(key)}: ${pythonLiteral(entry, inner)}`,
  );
  return block("{", entries, "}", indent);
}

function isList(value: readonly Python[] | { readonly [key: string]: Python }): value is readonly Python[] {
  return Array.isArray(value);
}

function block(open: string, lines: readonly string[], close: string, indent: string): string {
  if (lines.length === 0) return `${open}${close}`;
  return `${open}\n${lines.map((line) => `${indent}${INDENT}${line},\n`).join("")}${indent}${close}`;
}

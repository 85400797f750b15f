/** Livestatus' operators, for columns that the hub knows by itself. */

import { Refusal } from "../../../common/livestatus/index.ts";
import { found } from "./pattern.ts";

/** Longest regular expression; the names it is tried on are short. */
const LONGEST_PATTERN = 200;

/** Whether a value meets `OPERATOR OPERAND`; the forms are those of the Checkmk guide. */
export function matches(value: unknown, operator: string, operand: string): boolean {
  const opposite = operator.startsWith("!");
  const bare = opposite ? operator.slice(1) : operator;
  const met = typeof value === "number" ? number(value, bare, operand) : text(String(value), bare, operand);
  if (met === undefined) throw new Refusal(400, `invalid operator ${shown(operator)}`);
  return met !== opposite;
}

function number(value: number, operator: string, operand: string): boolean | undefined {
  const other = Number(operand);
  if (Number.isNaN(other)) throw new Refusal(400, "the column holds numbers");
  return ordered(operator, value - other);
}

function text(value: string, operator: string, operand: string): boolean | undefined {
  switch (operator) {
    case "~":
      return found(bounded(operand), value);
    case "~~":
      return found(bounded(operand), value, true);
    case "=~":
      return value.toLowerCase() === operand.toLowerCase();
    default:
      return ordered(operator, value < operand ? -1 : Number(value > operand));
  }
}

function ordered(operator: string, sign: number): boolean | undefined {
  switch (operator) {
    case "=":
      return sign === 0;
    case "<":
      return sign < 0;
    case ">":
      return sign > 0;
    case "<=":
      return sign <= 0;
    case ">=":
      return sign >= 0;
    default:
      return undefined;
  }
}

function bounded(pattern: string): string {
  if (pattern.length <= LONGEST_PATTERN) return pattern;
  throw new Refusal(400, "the regular expression is too long");
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 10));
}

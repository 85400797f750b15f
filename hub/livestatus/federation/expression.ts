/** What a query's filter headers say, as a tree: they are a stack machine on the wire. */

import { Refusal } from "../../../common/livestatus/index.ts";
import { matches } from "./operator.ts";

export type Expression =
  | Condition
  | { kind: "and" | "or"; parts: readonly Expression[]; depth: number }
  | { kind: "not"; part: Expression; depth: number }
  | Constant;

/** `raw` is the header's value as it came; only columns of the hub's are looked at in parts. */
export interface Condition {
  kind: "condition";
  raw: string;
  column: string;
  depth: 1;
}

export interface Constant {
  kind: "constant";
  value: boolean;
  depth: 1;
}

/** The words for one family of headers. */
export interface Vocabulary {
  condition: string;
  and: string;
  or: string;
  negate: string;
}

export const FILTER: Vocabulary = { condition: "Filter", and: "And", or: "Or", negate: "Negate" };
export const STATS: Vocabulary = {
  condition: "Stats",
  and: "StatsAnd",
  or: "StatsOr",
  negate: "StatsNegate",
};

/** Trees are walked by recursion; what people and pages write is a few levels deep. */
const MOST_LEVELS = 1_000;

export const TRUE: Constant = { kind: "constant", value: true, depth: 1 };
export const FALSE: Constant = { kind: "constant", value: false, depth: 1 };

/** Reads `COLUMN OPERATOR VALUE`. */
export function condition(raw: string): Condition {
  const [, column] = /^(\S+)\s+\S+/.exec(raw) ?? [];
  if (column === undefined) throw new Refusal(400, "expected COLUMN OPERATOR VALUE");
  return { kind: "condition", raw, column, depth: 1 };
}

export function combined(kind: "and" | "or", parts: readonly Expression[]): Expression {
  if (parts.length === 0) return kind === "and" ? TRUE : FALSE;
  const deepest = parts.reduce((most, part) => Math.max(most, part.depth), 0);
  return levelled({ kind, parts, depth: deepest + 1 });
}

export function negated(part: Expression): Expression {
  return levelled({ kind: "not", part, depth: part.depth + 1 });
}

function levelled(expression: Expression): Expression {
  if (expression.depth > MOST_LEVELS) throw new Refusal(400, "filters are nested too deeply");
  return expression;
}

/** Whether it says anything about a column of these. */
export function mentions(expression: Expression, these: (column: string) => boolean): boolean {
  switch (expression.kind) {
    case "condition":
      return these(expression.column);
    case "not":
      return mentions(expression.part, these);
    case "constant":
      return false;
    default:
      return expression.parts.some((part) => mentions(part, these));
  }
}

/** What a condition compares with, and how. */
export function comparison({ raw }: Condition): { operator: string; operand: string } {
  const [, operator = "", operand = ""] = /^\S+\s+(\S+)\s?(.*)$/s.exec(raw) ?? [];
  return { operator, operand };
}

/** A condition on a column whose value is known. @throws Refusal it means nothing */
export function decided(condition: Condition, value: number | string): Constant {
  const { operator, operand } = comparison(condition);
  return matches(value, operator, operand) ? TRUE : FALSE;
}

/**
 * What is left of it where something else stands for some conditions: a constant, or an expression without
 * constants.
 * @param settle what stands for a condition: another expression, or itself
 */
export function resolve(expression: Expression, settle: (condition: Condition) => Expression): Expression {
  switch (expression.kind) {
    case "constant":
      return expression;
    case "condition":
      return settle(expression);
    case "not": {
      const part = resolve(expression.part, settle);
      if (part.kind === "constant") return part.value ? FALSE : TRUE;
      return part === expression.part ? expression : negated(part);
    }
    default:
      return resolveAll(expression, settle);
  }
}

function resolveAll(
  expression: Extract<Expression, { parts: readonly Expression[] }>,
  settle: (condition: Condition) => Expression,
): Expression {
  const neutral = expression.kind === "and";
  const parts: Expression[] = [];
  for (const part of expression.parts) {
    const resolved = resolve(part, settle);
    if (resolved.kind !== "constant") parts.push(resolved);
    else if (resolved.value !== neutral) return resolved;
  }
  const [only] = parts;
  if (only && parts.length === 1) return only;
  return combined(expression.kind, parts);
}

/** The headers that say it, in their order; constants have none and must be resolved before. */
export function headersOf(expression: Expression, words: Vocabulary): string[] {
  const lines: string[] = [];
  write(expression, words, lines);
  return lines;
}

function write(expression: Expression, words: Vocabulary, lines: string[]): void {
  switch (expression.kind) {
    case "condition":
      lines.push(`${words.condition}: ${expression.raw}`);
      break;
    case "constant":
      break;
    case "not":
      write(expression.part, words, lines);
      lines.push(`${words.negate}:`);
      break;
    default:
      for (const part of expression.parts) write(part, words, lines);
      lines.push(`${words[expression.kind]}: ${expression.parts.length}`);
  }
}

/** What a doctor finds at one place: `farsite-agent doctor`, `farsite-hub doctor`. */
import { type ErrorCode, FarsiteError, reasonOf } from "./errors.ts";

export interface Finding<Step extends string = string> {
  step: Step;
  /** `warning`: works, but somebody should know; `skipped`: could not be looked at. */
  state: "ok" | "warning" | "problem" | "skipped";
  /** What was found, in a sentence for people. */
  says: string;
  code?: ErrorCode;
  /** What to do. */
  do?: string;
  /** Figures for scripts; times are ms. */
  figures?: Record<string, number | string>;
}

/** An error as a finding; anything else that was thrown is a fault of Farsite's. */
export function failed<Step extends string>(step: Step, thrown: unknown): Finding<Step> {
  const known = thrown instanceof FarsiteError ? thrown : new FarsiteError("E_INTERNAL", reasonOf(thrown));
  const { code, message, hint } = known;
  return { step, state: "problem", says: message, code, ...(hint !== undefined && { do: hint }) };
}

const MARKS: Record<Finding["state"], string> = {
  ok: "ok",
  warning: "WARNING",
  problem: "PROBLEM",
  skipped: "-",
};

/** Columns of a mark and of a step's name. */
const MARK = 9;
const STEP = 16;

/** A finding in lines: what, and below it what to do, and more, where something is wrong. */
export function findingLines(finding: Finding, more: readonly string[] = []): string[] {
  const { state, step, says, code } = finding;
  const head = `${MARKS[state].padEnd(MARK)}${step.padEnd(STEP)}${code ? `${says} [${code}]` : says}`;
  if (state !== "problem" && state !== "warning") return [head];
  const indent = " ".repeat(MARK + STEP);
  const below = [...(finding.do === undefined ? [] : finding.do.split("\n")), ...more];
  return [head, ...below.map((line) => `${indent}${line}`)];
}

/** The last line of what is printed. */
export function summaryOf(findings: readonly Finding[]): string {
  const problems = findings.filter(({ state }) => state === "problem").length;
  return problems === 0 ? "No problem found." : `Problems: ${problems}.`;
}

/** What differs between two configurations, by key. */

import { isDeepStrictEqual } from "node:util";

/** Dotted keys that do not say the same in both: of a table those in it, of an array the array as a whole. */
export function changedKeys(before: unknown, after: unknown): string[] {
  const keys = new Set<string>();
  collect(before, after, [], keys);
  return [...keys].toSorted();
}

function collect(before: unknown, after: unknown, path: readonly string[], keys: Set<string>): void {
  if (isDeepStrictEqual(before, after)) return;
  if (!isTable(before) || !isTable(after)) {
    keys.add(path.join("."));
    return;
  }
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    collect(before[name], after[name], [...path, name], keys);
  }
}

/** A table as the file has it; what was made of one key, such as an address with its text, is that key's value. */
function isTable(value: unknown): value is Record<string, unknown> {
  const plain = typeof value === "object" && value !== null && !Array.isArray(value);
  return plain && !("text" in value && "address" in value);
}

/** Whether a key is one of these patterns, or below one; `*` stands for any one step. */
export function isAmong(key: string, patterns: readonly string[]): boolean {
  const steps = key.split(".");
  return patterns.some((pattern) =>
    pattern.split(".").every((step, at) => steps[at] !== undefined && (step === "*" || step === steps[at])),
  );
}

/** Values of cells as cores answer them in JSON, and their order. */

export type Value = null | boolean | number | string | readonly Value[] | { readonly [key: string]: Value };

export type Row = readonly Value[];

/**
 * The order of two values: nothing, numbers, texts, lists, dictionaries; numbers by size, texts by their
 * UTF-16 code units, lists from their beginning.
 */
export function compareValues(a: Value, b: Value): number {
  const kind = kindOf(a);
  const difference = kind - kindOf(b);
  if (difference !== 0) return difference;
  switch (kind) {
    case 0:
      return 0;
    case 1:
      return Number(a) - Number(b);
    case 2:
      return a === b ? 0 : (a as string) < (b as string) ? -1 : 1;
    case 3:
      return compareLists(a as readonly Value[], b as readonly Value[]);
    default:
      return compareValues(JSON.stringify(a), JSON.stringify(b));
  }
}

function compareLists(a: readonly Value[], b: readonly Value[]): number {
  for (let at = 0; at < a.length && at < b.length; at++) {
    const difference = compareValues(a[at] ?? null, b[at] ?? null);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

function kindOf(value: Value): number {
  if (value === null) return 0;
  if (typeof value === "number" || typeof value === "boolean") return 1;
  if (typeof value === "string") return 2;
  return Array.isArray(value) ? 3 : 4;
}

/** What a condition compares: lists and dictionaries that the hub itself has are compared as text. */
export function scalar(value: Value): number | string {
  return typeof value === "number" || typeof value === "string" ? value : JSON.stringify(value);
}

/** An entry of a dictionary, which some cores answer as a list of pairs. */
export function entryOf(value: Value, entry: string): Value {
  if (value === null || typeof value !== "object") return null;
  if (!Array.isArray(value)) {
    return Object.hasOwn(value, entry) ? ((value as { [key: string]: Value })[entry] ?? null) : null;
  }
  const pair = (value as readonly Value[]).find((each) => Array.isArray(each) && each[0] === entry);
  return Array.isArray(pair) ? (pair[1] ?? null) : null;
}

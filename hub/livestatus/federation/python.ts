/** Python literals, in ASCII: whatever encoding the reader takes them for, they mean the same. */

import { pythonString } from "../../../common/python/index.ts";
import type { Value } from "./value.ts";

/** @param prefix of texts: `u` makes them Unicode for Python 2, and changes nothing for Python 3.3 and later */
export function python(value: Value, prefix: "" | "u"): string {
  if (value === null) return "None";
  switch (typeof value) {
    case "boolean":
      return value ? "True" : "False";
    case "number":
      return String(value);
    case "string":
      return text(value, prefix);
    default:
      return collection(value, prefix);
  }
}

function collection(value: Exclude<Value, null | boolean | number | string>, prefix: "" | "u"): string {
  if (Array.isArray(value)) return `[${value.map((each: Value) => python(each, prefix)).join(", ")}]`;
  const entries = Object.entries(value).map(
    ([key, entry]) => `${text(key, prefix)}: ${python(entry, prefix)}`,
  );
  return `{${entries.join(", ")}}`;
}

function text(value: string, prefix: string): string {
  return `${prefix}${pythonString(value)}`;
}

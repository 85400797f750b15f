/** Words for what is wrong with one key of a configuration: the key, what was found, what was expected. */
import { z } from "zod";

type Issue = z.core.$ZodIssue;

/** TOML's words for what the schema library calls otherwise. */
const TOML_TYPES: Record<string, string> = {
  string: "a string",
  number: "a number",
  int: "an integer",
  boolean: "true or false",
  array: "an array",
  object: "a table",
  record: "a table",
};

export function describeIssue(issue: Issue, schema: z.ZodType): string[] {
  const key = issue.path.map(String).join(".");
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((unknown) => {
        const known = keysAt(schema, issue.path);
        const near = nearest(unknown, known);
        const hint = near ? `did you mean ${near}?` : `known here: ${known.join(", ")}`;
        return `${[...issue.path, unknown].join(".")}: unknown key; ${hint}`;
      });
    case "invalid_type":
      return [`${key}: ${found(issue.input)}, expected ${TOML_TYPES[issue.expected] ?? issue.expected}`];
    case "invalid_value":
      return [`${key}: ${found(issue.input)}, expected one of ${issue.values.map(String).join(", ")}`];
    case "too_small":
      return [`${key}: ${found(issue.input)}, expected at least ${issue.minimum}`];
    case "too_big":
      return [`${key}: ${found(issue.input)}, expected at most ${issue.maximum}`];
    case "invalid_key":
      return [`${key}: wrong key, expected ${issue.issues.map((inner) => inner.message).join(", ")}`];
    default:
      return [`${key}: ${found(issue.input)}, expected ${issue.message}`];
  }
}

function found(value: unknown): string {
  if (value === undefined) return "missing";
  // JSON has no word for them
  if (typeof value === "number" && !Number.isFinite(value))
    return `found ${Number.isNaN(value) ? "nan" : "inf"}`;
  // what stands before the @ of a URL may be a password
  const text = (JSON.stringify(value) ?? String(value)).replace(/\/\/[^\s"]*@/g, "//...@");
  return `found ${text.length > 60 ? `${text.slice(0, 60)}...` : text}`;
}

/** The keys that a table of the configuration may have; a step of the path into an array is a number. */
function keysAt(schema: z.ZodType, path: PropertyKey[]): string[] {
  let at: unknown = schema;
  for (const step of [...path, undefined]) {
    while (at instanceof z.ZodOptional || at instanceof z.ZodDefault || at instanceof z.ZodPrefault) {
      at = at.unwrap();
    }
    // every key of a record is of one kind
    if (at instanceof z.ZodRecord && step !== undefined) {
      at = at.valueType;
      continue;
    }
    if (at instanceof z.ZodArray && typeof step === "number") {
      at = at.element;
      continue;
    }
    if (!(at instanceof z.ZodObject)) return [];
    if (step === undefined) return Object.keys(at.shape);
    at = at.shape[String(step)];
  }
  return [];
}

/** The known key that differs least from `word`, if it is close enough to be a slip. */
function nearest(word: string, known: string[]): string | undefined {
  const close = known.map((key) => ({ key, far: distance(word, key) })).sort((a, b) => a.far - b.far)[0];
  return close && close.far <= Math.max(1, Math.floor(word.length / 3)) ? close.key : undefined;
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

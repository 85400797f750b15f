/** Changes a TOML text that people wrote, and leaves all else in it, comments too, as it is. */
import { isDeepStrictEqual } from "node:util";
import { parse, stringify } from "smol-toml";
import { FarsiteError } from "../errors.ts";

type Table = Record<string, unknown>;

/** Adds keys to the table at `path`, which is made at the end when there is none. Throws E_CONFIG. */
export function addKeys(text: string, path: readonly string[], keys: Record<string, string>): string {
  if (Object.keys(keys).length === 0) return text;
  const lines = text.split("\n");
  const added = stringify(keys).trimEnd().split("\n");
  const header = lines.findIndex((line) => isDeepStrictEqual(headerOf(line), path));
  if (header === -1) {
    const above = text.trimEnd();
    lines.length = 0;
    lines.push(...(above === "" ? [] : [above, ""]), `[${path.map(quoted).join(".")}]`, ...added, "");
  } else {
    lines.splice(lastKeyAfter(lines, header) + 1, 0, ...added);
  }
  return checked(lines.join("\n"), merged(parse(text), path, keys));
}

/** Moves whole tables of the top level below the table at `path`. Throws E_CONFIG. */
export function moveTables(text: string, names: readonly string[], path: readonly string[]): string {
  const below = path.map(quoted).join(".");
  const lines = text.split("\n").map((line) => {
    const [first = ""] = headerOf(line) ?? [];
    return names.includes(first) ? line.replace("[", `[${below}.`) : line;
  });
  const before = parse(text);
  const rest = Object.fromEntries(Object.entries(before).filter(([name]) => !names.includes(name)));
  const moved = Object.fromEntries(Object.entries(before).filter(([name]) => names.includes(name)));
  return checked(lines.join("\n"), merged(rest, path, moved));
}

/** The path in a line that begins a table, such as `[sites.main.services]`. */
function headerOf(line: string): string[] | undefined {
  if (!/^\s*\[[^[]/.test(line)) return undefined;
  try {
    const path: string[] = [];
    for (let at: unknown = parse(line); ; ) {
      const [name] = Object.keys(at as Table);
      if (name === undefined) return path;
      path.push(name);
      at = (at as Table)[name];
    }
  } catch {
    return undefined;
  }
}

/** The last line with a key in the table that begins at `header`, or that line itself. */
function lastKeyAfter(lines: readonly string[], header: number): number {
  let last = header;
  for (let at = header + 1; at < lines.length && !/^\s*\[/.test(lines[at] ?? ""); at++) {
    if (/^\s*[^\s#]/.test(lines[at] ?? "")) last = at;
  }
  return last;
}

function quoted(name: string): string {
  return /^[\w-]+$/.test(name) ? name : JSON.stringify(name);
}

/** A copy of `into` with `keys` added in the table at `path`. */
function merged(into: Table, [name, ...rest]: readonly string[], keys: Table): Table {
  if (name === undefined) return { ...into, ...keys };
  return { ...into, [name]: merged((into[name] ?? {}) as Table, rest, keys) };
}

/** Lines say little of what they mean: within a text of several lines, say. So what comes of it is compared. */
function checked(text: string, expected: Table): string {
  let found: Table | undefined;
  try {
    found = parse(text);
  } catch {}
  if (isDeepStrictEqual(plain(found), plain(expected))) return text;
  throw new FarsiteError(
    "E_CONFIG",
    "the file is written in a way that is not changed by a program",
    "Write the tables out, each below a line [NAME] of its own; or change the file by hand.",
  );
}

/** As it would be written: without what tells a parser's tables from others. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null));
}

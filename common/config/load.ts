/** Reads a TOML file into a checked value, or says everything that is wrong with it at once. */
import { readFileSync } from "node:fs";
import { parse, TomlError } from "smol-toml";
import type { z } from "zod";
import { FarsiteError, reasonOf } from "../errors.ts";
import { describeIssue } from "./issue.ts";

/** Largest configuration file, in bytes. */
const MAX_CONFIG = 1 << 20;

/** The checked contents of `path`. Throws E_CONFIG. */
export function loadConfig<S extends z.ZodType>(path: string, schema: S): z.output<S> {
  return parseConfig(path, readText(path), schema);
}

/** What a file says, unchecked and without defaults. Throws E_CONFIG. */
export function loadToml(path: string): Record<string, unknown> {
  return parseToml(path, readText(path));
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw new FarsiteError(
      "E_CONFIG",
      missing ? `${path}: there is no such file` : `${path}: cannot be read: ${reasonOf(error)}`,
      missing ? "Name another file with --config, or write this one." : undefined,
    );
  }
}

function parseToml(path: string, text: string): Record<string, unknown> {
  if (text.length > MAX_CONFIG) throw new FarsiteError("E_CONFIG", `${path}: larger than 1 MiB`);
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [summary] = error.message.replace("Invalid TOML document: ", "").split("\n");
    throw new FarsiteError("E_CONFIG", `${path}:${error.line}:${error.column}: not valid TOML: ${summary}`);
  }
}

/** The checked value of a TOML text; `path` is only for messages. Throws E_CONFIG. */
export function parseConfig<S extends z.ZodType>(path: string, text: string, schema: S): z.output<S> {
  const value = parseToml(path, text);
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const problems = result.error.issues.flatMap((issue) => describeIssue(issue, schema));
  const count = problems.length === 1 ? "one problem" : `${problems.length} problems`;
  throw new FarsiteError("E_CONFIG", `${path}: ${count} in the configuration`, problems.join("\n"));
}

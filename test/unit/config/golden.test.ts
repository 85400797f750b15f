/**
 * Golden files: `valid/NAME.toml` with what comes of it in `NAME.json`, `invalid/NAME.toml` with what is said
 * of it in `NAME.txt`; NAME begins with `hub-` or `agent-`. A new case is a new pair of files.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { z } from "zod";
import { agentConfig } from "../../../agent/config.ts";
import { loadConfig } from "../../../common/config/index.ts";
import { FarsiteError } from "../../../common/errors.ts";
import { hubConfig } from "../../../hub/config/index.ts";

const SCHEMAS: Record<string, z.ZodType> = { hub: hubConfig, agent: agentConfig };

function load(folder: string, name: string): unknown {
  const schema = SCHEMAS[name.split("-")[0] as string];
  if (!schema) throw new Error(`${name} begins with neither hub- nor agent-`);
  return loadConfig(join(import.meta.dirname, folder, `${name}.toml`), schema);
}

/** Names of the cases in a folder; fails when a file of a pair is missing. */
function cases(folder: string, beside: string): string[] {
  const files = readdirSync(join(import.meta.dirname, folder)).toSorted();
  const names = files.filter((file) => file.endsWith(".toml")).map((file) => file.slice(0, -".toml".length));
  const expected = names.flatMap((name) => [`${name}.toml`, `${name}${beside}`]).toSorted();
  expect(files).toEqual(expected);
  return names;
}

const golden = (folder: string, file: string) =>
  readFileSync(join(import.meta.dirname, folder, file), "utf8");

test.each(cases("valid", ".json"))("valid/%s is read", (name) => {
  expect(load("valid", name)).toEqual(JSON.parse(golden("valid", `${name}.json`)));
});

test.each(cases("invalid", ".txt"))("invalid/%s is refused with its message", (name) => {
  let said = "";
  try {
    load("invalid", name);
  } catch (error) {
    if (!(error instanceof FarsiteError)) throw error;
    expect(error.code).toBe("E_CONFIG");
    said = [error.message, error.hint].filter((part) => part !== undefined).join("\n");
  }
  expect(said.replace(join(import.meta.dirname, "invalid/"), "")).toBe(
    golden("invalid", `${name}.txt`).trimEnd(),
  );
});

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const SIDES = ["agent", "hub", "common"];

/** A source file: its path from the root of the project, and its text. */
interface Source {
  path: string;
  text: string;
}

function sourcesBelow(folder: string): Source[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[cm]?[jt]sx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => ({ path: file.slice(ROOT.length + 1), text: readFileSync(file, "utf8") }));
}

/** All of the project: what ships, what tests it, what packs it, and the files beside them. */
function project(): Source[] {
  const folders = readdirSync(ROOT, { withFileTypes: true }).filter(
    (entry) =>
      entry.isDirectory() && !entry.name.startsWith(".") && !["node_modules", "dist"].includes(entry.name),
  );
  const beside = readdirSync(ROOT)
    .filter((name) => name.endsWith(".ts"))
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), "utf8") }));
  return [...folders.flatMap((folder) => sourcesBelow(folder.name)), ...beside];
}

// types count, too: `import type` is gone after compiling, but it is still knowledge of the other side
const IMPORT = /\b(?:from|import|require)\s*\(?\s*(["'`])((?:(?!\1).)+)\1/g;
const COMPUTED = /\b(?:import|require)\s*\(\s*(?!["'`])[^)]/;

/** Only comments that begin a line: what looks like one within a line may be part of a string. */
function withoutComments(text: string): string {
  return text.replace(/^\s*\/\*[\s\S]*?\*\//gm, "").replace(/^\s*\/\/.*$/gm, "");
}

/** What a source says it needs, as written. */
function importsOf(text: string): string[] {
  return [...withoutComments(text).matchAll(IMPORT)].map((match) => match[2] as string);
}

/** Everything in `source` that the layers forbid, as sentences. */
function violations({ path, text }: Source): string[] {
  const wrong: string[] = [];
  const side = path.split("/")[0] as string;
  const ours = SIDES.includes(side);
  if (ours && COMPUTED.test(withoutComments(text))) wrong.push(`${path} computes what it imports`);
  for (const wanted of importsOf(text)) {
    if (!wanted.startsWith(".")) {
      if (side !== "test" && /^(?:\/|file:|agent\/|hub\/|common\/|test\/)/.test(wanted))
        wrong.push(`${path} imports ${wanted}: not relative`);
      continue;
    }
    const target = posix.join(dirname(path), wanted);
    const other = target.split("/")[0] as string;
    if (other === "test" && side !== "test") wrong.push(`${path} imports the test ${target}`);
    if (!ours) continue;
    if (other !== side && other !== "common" && target !== "package.json") {
      wrong.push(
        `${path} imports ${target}: ${side} may know ${side === "common" ? "nothing else" : "common only"}`,
      );
    }
    const folder = dirname(target);
    // what lies in a folder's own folders is inside, too
    const inside = `${dirname(path)}/`.startsWith(`${folder}/`);
    if (
      !inside &&
      SIDES.includes(other) &&
      !SIDES.includes(folder) &&
      posix.basename(target) !== "index.ts"
    ) {
      wrong.push(`${path} imports ${target}: only ${folder}/index.ts is public`);
    }
  }
  return wrong;
}

test("every import of the project keeps to the layers", () => {
  const sources = project();
  expect(sources.map((source) => source.path)).toEqual(
    expect.arrayContaining(["agent/main.ts", "hub/main.ts", "common/errors.ts", "vitest.config.ts"]),
  );
  // the check sees imports at all: both sides use common, and their own folders
  const seen = sources.flatMap((source) => importsOf(source.text));
  expect(seen).toEqual(
    expect.arrayContaining(["../common/errors.ts", "./tunnel/index.ts", "node:fs", "zod"]),
  );
  expect(sources.flatMap(violations)).toEqual([]);
});

test("the check misses no import that the compiler sees", () => {
  const compiler = new Bun.Transpiler({ loader: "ts" });
  for (const { path, text } of project().filter((source) => source.path.endsWith(".ts"))) {
    const seen = compiler.scanImports(text.replace(/^#!.*/, "")).map((wanted) => wanted.path);
    expect([path, importsOf(text)]).toEqual([path, expect.arrayContaining(seen)]);
  }
});

test.each([
  ["the agent the hub", "agent/tunnel/x.ts", 'import { Hub } from "../../hub/hub.ts";'],
  ["the hub the agent", "hub/hub.ts", 'import type { Enrolled } from "../agent/state.ts";'],
  ["common the agent", "common/log.ts", 'export * from "../agent/state.ts";'],
  ["common the hub", "common/mux/mux.ts", 'import "../../hub/config.ts";'],
  ["the hub a test", "hub/main.ts", 'import { demo } from "../test/demo/main.ts";'],
  ["packaging a test", "packaging/build.ts", 'import { lab } from "../test/lab/lab.ts";'],
  ["a file at the root a test", "vitest.config.ts", 'import { lab } from "./test/lab/lab.ts";'],
  [
    "another folder past its index",
    "agent/tunnel/x.ts",
    'import { Link } from "../../common/session/link.ts";',
  ],
  ["a folder of its own side past its index", "hub/hub.ts", 'import { a } from "./registry/check.ts";'],
  ["a folder below its own past its index", "common/a/x.ts", 'import { a } from "./b/c.ts";'],
  ["something by an absolute path", "hub/hub.ts", 'import { a } from "/srv/agent/state.ts";'],
  ["something from the root", "hub/hub.ts", 'import { a } from "agent/state.ts";'],
  ["at run time", "hub/hub.ts", 'const { a } = await import("../agent/state.ts");'],
  ["with require", "hub/hub.ts", "const a = require('../agent/state.ts');"],
  ["over several lines", "hub/hub.ts", 'import {\n  a,\n  b,\n} from\n  "../agent/state.ts";'],
  ["as a type in place", "hub/hub.ts", 'let a: import("../agent/state.ts").Enrolled;'],
  ["what it computes", "hub/hub.ts", "const { a } = await import(name);"],
  ["a template", "hub/hub.ts", "const { a } = await import(`../agent/state.ts`);"],
])("the check notices that one imports %s", (_, path, text) => {
  expect(violations({ path, text })).not.toEqual([]);
});

test.each([
  [
    "the agent common's folders by their index",
    "agent/tunnel/x.ts",
    'import { Link } from "../../common/session/index.ts";',
  ],
  ["common's own files", "hub/registry/check.ts", 'import { FarsiteError } from "../../common/errors.ts";'],
  ["the hub's own files", "hub/endpoint/x.ts", 'import { a } from "../config.ts";'],
  ["files of the same folder", "common/mux/mux.ts", 'import { a } from "./frame.ts";'],
  [
    "a test what it tests",
    "test/unit/x.test.ts",
    'import { a } from "../../hu./registry/check.ts";\nimport "../../agent/state.ts";',
  ],
  ["packages and builtins", "common/log.ts", 'import { z } from "zod";\nimport { join } from "node:path";'],
  ["the manifest", "common/version.ts", 'import manifest from "../package.json" with { type: "json" };'],
  [
    "what a comment says",
    "hub/hub.ts",
    '/** not from "../agent/state.ts" */\n// import "../agent/state.ts"\nconst a = 1;',
  ],
])("the check allows %s", (_, path, text) => {
  expect(violations({ path, text })).toEqual([]);
});

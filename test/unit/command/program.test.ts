import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createProgram, runProgram, withPlaces } from "../../../common/command/index.ts";
import { FarsiteError, renderError } from "../../../common/errors.ts";
import { VERSION } from "../../../common/version.ts";

let out = "";
let err = "";

beforeEach(() => {
  out = "";
  err = "";
  vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    out += String(chunk);
    return true;
  });
  vi.spyOn(process.stderr, "write").mockImplementation((chunk) => {
    err += String(chunk);
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** Runs a program with one command, which does `action`; gives the exit status. */
async function run(
  argv: string[],
  action: (name: string, options: unknown) => unknown = () => {},
): Promise<number> {
  const program = createProgram("farsite-hub", "Does something.");
  withPlaces(program.command("do <name>").description("do it"), "farsite-hub").action(
    async (name, options) => {
      await action(name, options);
    },
  );
  const before = process.exitCode;
  process.exitCode = 0;
  try {
    await runProgram(program, argv);
    return Number(process.exitCode);
  } finally {
    process.exitCode = before ?? 0;
  }
}

test("what went well ends with 0 and says nothing of its own", async () => {
  expect([await run(["do", "x"]), out, err]).toEqual([0, "", ""]);
});

test.each([
  ["a command that is not there", ["undo"], "unknown command 'undo'"],
  ["an option that is not there", ["do", "x", "--force"], "unknown option '--force'"],
  ["an argument that is missing", ["do"], "missing required argument 'name'"],
  ["an argument too many", ["do", "x", "y"], "too many arguments"],
  ["an option without its value", ["do", "x", "--config"], "argument missing"],
])("%s ends with 2, on standard error, with the way to the help", async (_, argv, words) => {
  expect(await run(argv)).toBe(2);
  expect(out).toBe("");
  expect(err).toContain(words);
  expect(err).toMatch(/^farsite-hub: [^\n]+ \[E_USAGE\]\n( {2}[^\n]+\n)* {2}See farsite-hub --help\.\n$/);
});

test("a slip in a command leads to the one that was meant", async () => {
  await run(["doo", "x"]);
  expect(err).toContain("Did you mean do?");
});

test("no command at all shows the help and ends with 2", async () => {
  expect(await run([])).toBe(2);
  expect(err).toContain("Usage: farsite-hub");
  expect(err).not.toContain("[E_");
  expect(out).toBe("");
});

test("help and version go to standard output and end with 0", async () => {
  expect(await run(["--help"])).toBe(0);
  expect(out).toContain("Exit status: 0 done, 1 failed, 2 wrong usage.");
  out = "";
  expect([await run(["--version"]), out, err]).toEqual([0, `${VERSION}\n`, ""]);
  expect(await run(["do", "--help"])).toBe(0);
  expect(out).toContain("--state-dir <dir>");
});

test("a known error ends with 1, and says what failed and what to do, without a stack trace", async () => {
  const status = await run(["do", "x"], () => {
    throw new FarsiteError("E_NOT_FOUND", "there is no site a/b", "First this,\nthen that.");
  });
  expect([status, err]).toEqual([
    1,
    "farsite-hub: there is no site a/b [E_NOT_FOUND]\n  First this,\n  then that.\n",
  ]);
});

test("an error of usage that a command finds itself ends with 2", async () => {
  const wrong = () => Promise.reject(new FarsiteError("E_USAGE", "a number is expected"));
  expect([await run(["do", "x"], wrong), err]).toEqual([2, "farsite-hub: a number is expected [E_USAGE]\n"]);
});

test.each([
  ["an error", new TypeError("x is not a function")],
  ["a text", "x is not a function"],
])("a fault that is thrown as %s ends with 1, without a stack trace", async (_, fault) => {
  const status = await run(["do", "x"], () => {
    throw fault;
  });
  expect([status, err]).toEqual([
    1,
    "farsite-hub: x is not a function [E_INTERNAL]\n  This is a fault in Farsite; please report it.\n",
  ]);
  expect(renderError("p", fault)).not.toContain(" at ");
});

test("where files are follows options, then the directories that systemd sets, then the usual ones", async () => {
  const seen: unknown[] = [];
  const note = (_: string, options: unknown) => void seen.push(options);
  vi.stubEnv("STATE_DIRECTORY", undefined);
  vi.stubEnv("RUNTIME_DIRECTORY", undefined);
  await run(["do", "x"], note);
  vi.stubEnv("STATE_DIRECTORY", "/s");
  vi.stubEnv("RUNTIME_DIRECTORY", "/r");
  await run(["do", "x"], note);
  await run(["do", "x", "--config", "c", "--state-dir", "a", "--run-dir", "b"], note);
  expect(seen).toEqual([
    { config: "/etc/farsite/hub.toml", stateDir: "/var/lib/farsite-hub", runDir: "/run/farsite-hub" },
    { config: "/etc/farsite/hub.toml", stateDir: "/s", runDir: "/r" },
    { config: "c", stateDir: "a", runDir: "b" },
  ]);
});

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { agentConfig, INITIAL_CONFIG } from "../../../agent/config.ts";
import { loadConfig, parseConfig } from "../../../common/config/index.ts";
import type { FarsiteError } from "../../../common/errors.ts";
import { Dice } from "../session/rig.ts";

const schema = z.strictObject({
  name: z.string().optional(),
  inner: z.strictObject({ first_number: z.int().default(1), second: z.string().optional() }).prefault({}),
});

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "farsite-config-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** The error that reading `text` ends in. */
function refusal(text: string): FarsiteError {
  try {
    parseConfig("x.toml", text, schema);
  } catch (error) {
    return error as FarsiteError;
  }
  throw new Error("it was read");
}

test("a file that is not there is named, with the option that names another", () => {
  const path = join(scratch(), "hub.toml");
  expect(() => loadConfig(path, schema)).toThrow(
    expect.objectContaining({
      code: "E_CONFIG",
      message: `${path}: there is no such file`,
      hint: "Name another file with --config, or write this one.",
    }),
  );
});

test("a file that cannot be read is named, with the reason", () => {
  const directory = scratch();
  expect(() => loadConfig(directory, schema)).toThrow(
    expect.objectContaining({
      code: "E_CONFIG",
      message: expect.stringMatching(/: cannot be read: .*EISDIR/),
    }),
  );
});

test("what is no TOML is told with file, line and column", () => {
  expect(refusal('name = "x"\n\n[inner]\nfirst_number = = 3\n').message).toMatch(
    /^x\.toml:4:16: not valid TOML: \S/,
  );
});

test("a message about TOML is one line", () => {
  for (const text of ["[", "a", "a = ", '"', "a = [1,\n2", "= 1", "\0", "a = 1 2"]) {
    expect(refusal(text).message).toMatch(/^x\.toml:\d+:\d+: not valid TOML: [^\n]+$/);
  }
});

test("a key that was mistyped is told with the one that was meant", () => {
  expect(refusal("[inner]\nfrist_number = 1").hint).toBe(
    "inner.frist_number: unknown key; did you mean first_number?",
  );
  expect(refusal("[inner]\nzzz = 1").hint).toBe("inner.zzz: unknown key; known here: first_number, second");
  expect(refusal("nam = 'x'").hint).toBe("nam: unknown key; did you mean name?");
});

test("several problems are told at once, and counted", () => {
  const { message, hint } = refusal('name = 1\nother = 2\n[inner]\nfirst_number = "x"\nsecond = 3');
  expect(message).toBe("x.toml: 4 problems in the configuration");
  expect(hint?.split("\n")).toHaveLength(4);
  expect(refusal("name = 1").message).toBe("x.toml: one problem in the configuration");
});

test("a value that is long is cut in the message", () => {
  expect(refusal(`name = [${"1, ".repeat(10_000)}]`).hint?.length).toBeLessThan(120);
});

test("a file over 1 MiB is refused unread", () => {
  expect(refusal(`#${"x".repeat(1 << 20)}`).message).toBe("x.toml: larger than 1 MiB");
  expect(parseConfig("x.toml", `#${"x".repeat((1 << 20) - 1)}`, schema)).toEqual({
    inner: { first_number: 1 },
  });
});

test("keys that mean something to JavaScript reach no prototype", () => {
  for (const key of ["__proto__", "constructor", "toString"]) {
    expect(refusal(`[${key}]\npolluted = 1`).code).toBe("E_CONFIG");
    expect(refusal(`[inner.${key}]\npolluted = 1`).code).toBe("E_CONFIG");
  }
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});

test("junk is read or ends in E_CONFIG, and in nothing else", () => {
  const dice = new Dice(21);
  const words = [
    "name",
    "inner",
    "first_number",
    "=",
    '"x"',
    "1",
    "[",
    "]",
    "\n",
    ".",
    "'",
    "{",
    "}",
    ",",
    "#",
    "é",
    "\0",
    "1979-05-27",
  ];
  for (let i = 0; i < 3_000; i++) {
    const text = Array.from({ length: dice.upTo(12) }, () => words[dice.upTo(words.length)]).join("");
    try {
      parseConfig("x.toml", text, schema);
    } catch (error) {
      expect([text, (error as FarsiteError).code]).toEqual([text, "E_CONFIG"]);
    }
  }
});

test("the configuration that enrolment writes is valid, and offers nothing", () => {
  expect(parseConfig("agent.toml", INITIAL_CONFIG, agentConfig).services).toEqual({});
  const uncommented = INITIAL_CONFIG.replace(/^# (livestatus|http)/gm, "$1");
  expect(Object.keys(parseConfig("agent.toml", uncommented, agentConfig).services)).toEqual([
    "livestatus",
    "http",
  ]);
});

import { describe, expect, test } from "vitest";
import {
  type LocalCheck,
  levelsState,
  localLine,
  parseLevels,
  worst,
} from "../../../common/checkmk/index.ts";
import { parseLocal, parseLocalScript } from "../../lab/local-check.ts";

const check = (changes: Partial<LocalCheck> = {}): LocalCheck => ({
  state: 0,
  service: "Farsite tunnel main",
  metrics: [],
  texts: ["well"],
  ...changes,
});
const read = (changes: Partial<LocalCheck>) =>
  Object.values(parseLocalScript(`${localLine(check(changes))}\n`))[0];

describe("a line", () => {
  test("is as Checkmk's guide has it", () => {
    const metrics = [
      { name: "rtt", value: 0.0123, levels: { warn: 0.5, crit: 2 } },
      { name: "bytes", value: 1e15 },
    ];
    expect(localLine(check({ state: 1, metrics, texts: ["summary", "more"] }))).toBe(
      '1 "Farsite tunnel main" rtt=0.0123;0.5;2|bytes=1000000000000000 summary\\nmore',
    );
    expect(localLine(check())).toBe('0 "Farsite tunnel main" - well');
  });

  test("has no figure that is none", () => {
    const metrics = [Number.NaN, Number.POSITIVE_INFINITY].map((value) => ({ name: "rtt", value }));
    expect(read({ metrics })?.metrics).toEqual({});
    expect(read({ metrics: [{ name: "tiny", value: 1e-9 }] })?.metrics).toEqual({ tiny: { value: 0 } });
  });

  test.each([
    ['"; 2 "Other" - x', "quotes"],
    ["x\n2 Other - gone", "another line"],
    ["x\\n(!!) CRIT", "a line of details, and a state"],
    ["x | rtt=9", "performance data"],
    ["\u001b[2J\u202e", "controls"],
    ["<<<<other>>>>", "another host"],
    ["   ", "nothing"],
    ["y".repeat(100_000), "much"],
  ])("holds whatever others say: %j (%#)", (hostile) => {
    const line = localLine(check({ texts: [hostile] }));
    const [name, service] = Object.entries(parseLocalScript(`${line}\n`))[0] ?? [];
    expect(name).toBe("Farsite tunnel main");
    expect(service).toMatchObject({ state: 0, details: [], metrics: {} });
    expect(service?.summary).not.toMatch(/[|\\]|\(!+\)/);
    expect(line.length).toBeLessThan(600);
    expect(parseLocalScript(`${localLine(check({ service: `${hostile}.` }))}\n`)).not.toHaveProperty("Other");
  });
});

test("the reader of these tests takes no other", () => {
  for (const wrong of [
    "0 Farsite - x\n",
    '4 "Farsite" - x\n',
    '0 "Farsite" rtt x\n',
    '0 "Farsite" rtt=1s x\n',
    '0 "Farsite" rtt=1;2 x\n',
    '0 "Farsite" a=1|a=2 x\n',
    '0 "Farsite" -\n',
    '0 "A" - x\n0 "A" - x\n',
    '0 "A" - x',
    "\n",
  ]) {
    expect(() => parseLocalScript(wrong), wrong).toThrow();
  }
  expect(() => parseLocal('0 "A" - x\n')).toThrow("outside any section");
  expect(() => parseLocal('<<<<host>>>>\n<<<local:sep(0)>>>\n0 "A" - x\n')).toThrow("no end");
});

test("levels are reached, not passed", () => {
  const levels = parseLevels("--age", "300,3600");
  expect([0, 299.9, 300, 3599, 3600, 9e9].map((value) => levelsState(value, levels))).toEqual([
    0, 0, 1, 1, 2, 2,
  ]);
  expect(parseLevels("--rtt", "0.5,2")).toEqual({ warn: 0.5, crit: 2 });
  for (const wrong of ["", "1", "2,1", "a,b", "-1,2", "1,2,3", "1, 2", "1e3,2e3", "NaN,NaN"]) {
    expect(() => parseLevels("--age", wrong), wrong).toThrow(expect.objectContaining({ code: "E_USAGE" }));
  }
});

test("the worst of several states is CRIT, then UNKNOWN, then WARN", () => {
  expect(worst([])).toBe(0);
  expect(worst([0, 1, 0])).toBe(1);
  expect(worst([1, 3])).toBe(3);
  expect(worst([3, 2, 1])).toBe(2);
});

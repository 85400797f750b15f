import { expect, test } from "vitest";
import { parsePython, pythonString } from "../../../common/python/index.ts";

const LIMITS = { length: 100_000, depth: 20, values: 5_000 };
const parse = (text: string) => parsePython(text, LIMITS);

test.each([
  ["None", null],
  ["True", true],
  ["False", false],
  ["0", 0],
  ["-12", -12],
  ["+3", 3],
  ["1_000", 1000],
  ["1.5e-3", 0.0015],
  [".5", 0.5],
  ["5.", 5],
  ["00", 0],
  ["12345678901234567890", 12345678901234567890n],
  ["'a'", "a"],
  ['"it\'s"', "it's"],
  ["u'a'", "a"],
  ["'''a\n'b'''", "a\n'b"],
  ["'a' \"b\"\n 'c'", "abc"],
  ["('a'\n 'b')", "ab"],
  [String.raw`'\'\"\\\n\t\r\a\b\f\v'`, "'\"\\\n\t\r\x07\b\f\v"],
  [String.raw`'\x41\u00e4\U0001F600\101\0'`, "A\u00e4\u{1F600}A\0"],
  [String.raw`'\d'`, "\\d"],
  [String.raw`r'\n\''`, String.raw`\n\'`],
  ["'a\\\nb'", "ab"],
  ["'ü'", "ü"],
  ["[]", []],
  ["()", []],
  ["(1,)", [1]],
  ["(1, 2)", [1, 2]],
  ["[1, [2, 'x'],]", [1, [2, "x"]]],
  ["  # a comment\n [1 # and one\n]\n", [1]],
])("%s", (text, value) => {
  expect(parse(text)).toEqual(value);
});

test("bytes and dicts", () => {
  expect(parse(String.raw`b'a\xff'`)).toEqual(Buffer.from([0x61, 0xff]));
  expect(parse("{'a': 1, 2: None, 'b': {'c': ('d',)},}")).toEqual(
    new Map<unknown, unknown>([
      ["a", 1],
      [2, null],
      ["b", new Map([["c", ["d"]]])],
    ]),
  );
});

test("a key that would be special to JavaScript is a key like any other", () => {
  const value = parse("{'__proto__': 1, 'constructor': 2}") as Map<string, number>;
  expect([...value]).toEqual([
    ["__proto__", 1],
    ["constructor", 2],
  ]);
});

test.each([
  ["", "no value"],
  ["1 2", "something follows"],
  ["'a", "without an end"],
  ["'a\nb'", "line break"],
  ["__import__('os')", "no value"],
  ["os.system('x')", "no value"],
  ["[1 2]", "a comma is missing"],
  ["{'a' 1}", "a colon is missing"],
  ["{'a': 1 'b': 2}", "a comma is missing"],
  ["{'a': 1, 'a': 2}", "a key twice"],
  ["{[1]: 2}", "a collection as a key"],
  ["{1, 2}", "a colon is missing"],
  ["[x for x in y]", "no value"],
  ["1 + 1", "something follows"],
  ["--1", "two signs"],
  ["1j", "no number"],
  ["0x10", "no number"],
  ["012", "leading zero"],
  [`${"9".repeat(101)}`, "too many digits"],
  ["f'{x}'", "no value"],
  ["'a' b'b'", "side by side"],
  ["b'\u00fc'", "beyond ASCII"],
  [String.raw`'\x4'`, "broken escape"],
  [String.raw`'\U00110000'`, "beyond Unicode"],
  [String.raw`'\N{BULLET}'`, "by its name"],
  ["(1", "a comma is missing"],
  ["(1,", "no value"],
  ["]", "no value"],
  ["nan", "no value"],
  ["True()", "something follows"],
])("%s is refused: %s", (text, reason) => {
  expect(() => parse(text)).toThrow(reason);
});

test("the limits hold, each at its border", () => {
  const limits = { length: 50, depth: 3, values: 5 };
  const read = (text: string) => () => parsePython(text, limits);
  expect(read("[[[1]]]")).not.toThrow();
  expect(read("[[[[1]]]]")).toThrow("nested deeper than 3");
  expect(read("[1,2,3,4]")).not.toThrow();
  expect(read("[1,2,3,4,5]")).toThrow("more than 5 values");
  expect(read(`'${"a".repeat(48)}'`)).not.toThrow();
  expect(read(`'${"a".repeat(49)}'`)).toThrow("longer than 50 characters");
});

test("a text that is nested to the limit of its length is refused at once", () => {
  expect(() => parse("[".repeat(100_000))).toThrow("nested deeper than 20");
});

test("texts come back from what is written of them", () => {
  for (const text of ["", "plain", "\"'\\", "a\nb\t\0", "ä€\u{1F600}", "\ud83d", "{file}"]) {
    expect(parse(pythonString(text))).toBe(text);
    expect(pythonString(text)).toMatch(/^"[ -~]*"$/);
  }
});

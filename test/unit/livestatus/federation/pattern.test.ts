import { expect, test } from "vitest";
import { Refusal } from "../../../../common/livestatus/index.ts";
import { found } from "../../../../hub/livestatus/federation/pattern.ts";
import { Dice } from "../../session/rig.ts";

const pick = <T>(dice: Dice, list: readonly T[]): T => list[dice.upTo(list.length)] as T;

test("a pattern without groups finds what the language's own finds", () => {
  const dice = new Dice(9);
  const atoms = [
    "a",
    "b",
    "B",
    "\\D",
    "/",
    "-",
    ".",
    "[ab]",
    "[^a]",
    "[a-c/]",
    "\\.",
    "\\d",
    "\\w",
    "[-a]",
    "[]a]",
  ];
  let hits = 0;
  for (let count = 0; count < 5_000; count++) {
    const alternative = () =>
      (dice.unit() < 0.3 ? "^" : "") +
      Array.from(
        { length: dice.upTo(5) },
        () => pick(dice, atoms) + pick(dice, ["", "", "*", "+", "?"]),
      ).join("") +
      (dice.unit() < 0.3 ? "$" : "");
    const pattern = Array.from({ length: 1 + dice.upTo(3) }, alternative).join("|");
    const text = Array.from({ length: dice.upTo(7) }, () =>
      pick(dice, ["a", "A", "b", "c", "/", "-", "1", ".", "]"]),
    ).join("");
    // what POSIX and boost mean by a ] that stands first, JavaScript does not
    const anyCase = dice.unit() < 0.5;
    const expected = new RegExp(pattern.replaceAll("[]a]", "[\\]a]"), anyCase ? "i" : "").test(text);
    if (expected) hits++;
    expect([pattern, text, anyCase, found(pattern, text, anyCase)]).toEqual([
      pattern,
      text,
      anyCase,
      expected,
    ]);
  }
  expect(hits).toBeGreaterThan(1_000);
  expect(hits).toBeLessThan(4_500);
});

test.each(["(a)", "a{2}", "*a", "a**", "[a", "a\\", "^^a", "a$b"])("%j is refused", (pattern) => {
  expect(() => found(pattern, "aaa")).toThrow(Refusal);
});

test("a pattern that other engines choke on is tried in no more steps than it has places and the text letters", () => {
  const text = "a".repeat(57);
  expect(found(`${"a*".repeat(90)}b`, text)).toBe(false);
  expect(found(`^${".*".repeat(90)}$`, text)).toBe(true);
  expect(found(Array.from({ length: 60 }, () => "a+").join("|"), text)).toBe(true);
});

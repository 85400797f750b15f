import { expect, test } from "vitest";
import { Refusal } from "../../../../common/livestatus/index.ts";
import { LONGEST_ROW, RowReader } from "../../../../hub/livestatus/federation/rows.ts";
import { Dice } from "../../session/rig.ts";

/** Reads a text in pieces that are cut where the dice say. */
function read(text: string, dice: Dice, piece: number): { rows: unknown[]; whole: boolean } {
  const reader = new RowReader();
  const bytes = Buffer.from(text);
  const rows: unknown[] = [];
  for (let at = 0; at < bytes.length; ) {
    const to = at + 1 + dice.upTo(piece);
    rows.push(...reader.push(bytes.subarray(at, to)));
    at = to;
  }
  return { rows, whole: reader.whole };
}

test("rows are the same however the answer is cut", () => {
  const dice = new Dice(4);
  const rows = Array.from({ length: 200 }, (_, at) => [
    at,
    `"quoted" \\ [bracket] {brace}, Größe 🙂 ${at}`,
    null,
    [
      ["a", 1],
      ["]\\", { x: "}" }],
    ],
    { 'key"': [1.5e-7, true] },
  ]);
  for (const layout of [0, 1, "\t"]) {
    const text = JSON.stringify(rows, null, layout);
    for (const piece of [1, 2, 7, 100, 100_000]) {
      expect(read(text, dice, piece)).toEqual({ rows, whole: true });
    }
  }
});

test.each(["[]", " [ ] \n", "\n[\n]\n"])("%j is a list without rows", (text) => {
  expect(read(text, new Dice(1), 2)).toEqual({ rows: [], whole: true });
});

test.each(["", "[", "[[1]", "[[1],", '[["a', "[[1], [2"])("%j has no end", (text) => {
  expect(read(text, new Dice(1), 100).whole).toBe(false);
});

test.each([
  "{}",
  "1",
  "[1]",
  "[[1] [2]]",
  "[[1],]",
  "[,[1]]",
  "[[1],,[2]]",
  "[[1]]]",
  "[[1]] [",
  "[[1]] x",
  "[[nan]]",
  "[[1}]",
  '[{"a":1}]',
  "[[1],{}]",
  "[['a']]",
  '[["a\nb"]]',
  `[[${"[".repeat(40)}`,
  "<html>",
  "\0\0\0",
])("%j is refused, wherever it is cut", (text) => {
  for (const piece of [1, 3, 100]) expect(() => read(text, new Dice(2), piece)).toThrow(Refusal);
});

test("a row without an end is given up, before it fills the memory", () => {
  const reader = new RowReader();
  reader.push(Buffer.from('[["'));
  const piece = Buffer.alloc(1 << 20, "x");
  let pushed = 0;
  expect(() => {
    for (; pushed <= 2 * LONGEST_ROW; pushed += piece.length) reader.push(piece);
  }).toThrow("too long");
  expect(pushed).toBeLessThanOrEqual(LONGEST_ROW);
});

test("what is held is known, and nothing is held between rows", () => {
  const reader = new RowReader();
  reader.push(Buffer.from("[[1,2], [3"));
  expect(reader.held).toBe(2);
  reader.push(Buffer.from("]"));
  expect(reader.held).toBe(0);
});

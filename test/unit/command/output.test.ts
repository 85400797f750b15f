import { afterEach, describe, expect, test, vi } from "vitest";
import { ago, printJson, printLine, printTable } from "../../../common/command/index.ts";

afterEach(() => void vi.restoreAllMocks());

function printed(print: () => void): string {
  let text = "";
  vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  print();
  return text;
}

test("a table is as wide as its widest cells, without spaces at the end of lines", () => {
  expect(
    printed(() =>
      printTable(
        ["SITE", "STATE", "WHY"],
        [
          ["acme/main", "up", ""],
          ["b", "disconnected", "gone"],
        ],
      ),
    ),
  ).toBe("SITE       STATE         WHY\nacme/main  up\nb          disconnected  gone\n");
});

test("a table without rows is its header", () => {
  expect(printed(() => printTable(["A", "B"], []))).toBe("A  B\n");
});

test("JSON is one document with a line end", () => {
  const text = printed(() => printJson({ a: [1, "é"] }));
  expect([JSON.parse(text), text.at(-1)]).toEqual([{ a: [1, "é"] }, "\n"]);
});

test.each([
  [0, "0 s"],
  [119, "119 s"],
  [120, "2 min"],
  [7_199, "120 min"],
  [7_200, "2 h"],
  [172_799, "48 h"],
  [172_800, "2 d"],
  [-5, "0 s"],
])("%i seconds ago is %s", (seconds, text) => {
  const now = Date.UTC(2026, 0, 1);
  expect(ago(new Date(now - seconds * 1_000).toISOString(), now)).toBe(text);
});

test("what never was is a dash", () => {
  expect(ago(undefined, 0)).toBe("-");
});

describe("what somebody else has said", () => {
  const HOSTILE = "\x1b[2J\x9b31m\r\u202eevil\u2028\x07\u{e0001}\ud800";
  const SHOWN = "\\u001b[2J\\u009b31m\\u000d\\u202eevil\\u2028\\u0007\\udb40\\udc01\\ud800";

  test("cannot make a terminal do anything, from a line or from a table", () => {
    expect(printed(() => printLine(`reason ${HOSTILE}\nnext`))).toBe(`reason ${SHOWN}\nnext\n`);
    const table = printed(() => printTable(["A", "B"], [[`${HOSTILE}\n`, "x"]]));
    expect(table.split("\n")[1]).toBe(`${SHOWN}\\u000a  x`);
  });

  test("is the same value in JSON, and as harmless", () => {
    const text = printed(() => printJson({ reason: HOSTILE }));
    expect([...text].filter((each) => /\p{C}|\p{Zl}/u.test(each) && each !== "\n")).toEqual([]);
    expect(JSON.parse(text)).toEqual({ reason: HOSTILE });
  });
});

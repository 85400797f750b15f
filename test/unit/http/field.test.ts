/** Field lines of HTTP heads, of both sides. */
import { expect, test } from "vitest";
import { parseField, tokensOf } from "../../../common/http/index.ts";

test("a field has its name and value as sent, without the white space around it", () => {
  expect(parseField("Host:example")).toEqual(["Host", "example"]);
  expect(parseField("X-A: \t a  b\t ")).toEqual(["X-A", "a  b"]);
  expect(parseField("X-A:")).toEqual(["X-A", ""]);
  expect(parseField("X-A: \t")).toEqual(["X-A", ""]);
});

test("what is white space elsewhere is not in HTTP", () => {
  expect(parseField("X: \xa0a\xa0")).toEqual(["X", "\xa0a\xa0"]);
  expect(tokensOf(["chunked\xa0, \xa0close"])).toEqual(["chunked\xa0", "\xa0close"]);
});

test("a list is read token by token, over several fields", () => {
  expect(tokensOf(["Keep-Alive, \tUpgrade", "close"])).toEqual(["keep-alive", "upgrade", "close"]);
});

test.each([
  "",
  "no colon",
  ": x",
  " a: b",
  "\ta: b",
  "a : b",
  "a b: c",
  "a: b\0",
  "a: b\rc",
  "a: b\nc",
  "ä: b",
])("%j is no field", (line) => {
  expect(parseField(line)).toBeUndefined();
});

test("a line of very many spaces takes no longer than any other", () => {
  // in quadratic time this would outlast every limit of a test
  const spaces = " ".repeat(1 << 20);
  expect(parseField(`a:${spaces}\0`)).toBeUndefined();
  expect(parseField(`a:${spaces}b${spaces}`)).toEqual(["a", "b"]);
});

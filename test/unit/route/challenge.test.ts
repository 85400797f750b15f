import { expect, test } from "vitest";
import { parseChallenges } from "../../../agent/route/challenge.ts";

/** As scheme and plain object. */
const parsed = (text: string) =>
  parseChallenges(text)?.map(({ scheme, params }) => [scheme, Object.fromEntries(params)]);

test.each<[string, string, unknown]>([
  ["one with a parameter", 'Basic realm="proxy"', [["basic", { realm: "proxy" }]]],
  ["a token as the value", "Basic realm=proxy", [["basic", { realm: "proxy" }]]],
  ["a scheme alone", "Negotiate", [["negotiate", {}]]],
  [
    "schemes alone",
    "Negotiate, NTLM",
    [
      ["negotiate", {}],
      ["ntlm", {}],
    ],
  ],
  [
    "several, each with several parameters",
    'Digest realm="a", nonce="n", qop="auth,auth-int", Basic realm="b"',
    [
      ["digest", { realm: "a", nonce: "n", qop: "auth,auth-int" }],
      ["basic", { realm: "b" }],
    ],
  ],
  [
    "a token68 beside others",
    'Negotiate YIIB/w+~-._==, Basic realm="x"',
    [
      ["negotiate", {}],
      ["basic", { realm: "x" }],
    ],
  ],
  [
    "the example of RFC 9110, section 11.6.1",
    'Basic realm="simple", Newauth realm="apps", type=1, title="Login to \\"apps\\""',
    [
      ["basic", { realm: "simple" }],
      ["newauth", { realm: "apps", type: "1", title: 'Login to "apps"' }],
    ],
  ],
  ["names in any case", 'BASIC Realm="X"', [["basic", { realm: "X" }]]],
  [
    "commas and spaces in a quoted value",
    'Basic realm="a, Digest b=c"',
    [["basic", { realm: "a, Digest b=c" }]],
  ],
  [
    "empty elements",
    ' , ,Basic realm="a",, NTLM ,',
    [
      ["basic", { realm: "a" }],
      ["ntlm", {}],
    ],
  ],
  ["space around the equals sign", 'Basic realm = "a"', [["basic", { realm: "a" }]]],
  ["an empty value", 'Basic realm=""', [["basic", { realm: "" }]]],
  ["nothing", "", []],
])("it reads %s", (_, text, expected) => {
  expect(parsed(text)).toEqual(expected);
});

test.each([
  ["a parameter without a scheme", 'realm="a"'],
  ["a parameter twice", 'Digest realm="a", realm="b"'],
  ["a quote that does not end", 'Basic realm="a'],
  ["an escape at the very end", 'Basic realm="a\\'],
  ["a character that is none of a token", "Basic realm=a, <html>"],
])("it refuses %s", (_, text) => {
  expect(parseChallenges(text)).toBeUndefined();
});

test("a long hostile field takes no long time: every character is looked at a few times only", () => {
  const long = 16_000;
  for (const text of [
    `Basic ${"a=".repeat(long / 2)}`,
    `Basic realm="${"\\".repeat(long)}`,
    " ,".repeat(long),
  ]) {
    parseChallenges(text);
  }
  expect(parseChallenges(`${"a,".repeat(long / 2)}`)).toHaveLength(long / 2);
});

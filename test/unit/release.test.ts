import { expect, test } from "vitest";
import { isOlder } from "../../common/release.ts";

// in the order of https://semver.org, section 11
const RELEASES = [
  "0.1.0",
  "0.1.1",
  "0.2.0-alpha",
  "0.2.0-alpha.1",
  "0.2.0-alpha.beta",
  "0.2.0-beta.2",
  "0.2.0-beta.11",
  "0.2.0-rc.1",
  "0.2.0",
  "0.10.0",
  "1.0.0",
];

test("each release is older than those after it, and no other", () => {
  for (const [a, one] of RELEASES.entries()) {
    for (const [b, other] of RELEASES.entries()) expect(isOlder(one, other), `${one} ${other}`).toBe(a < b);
  }
});

test.each(["", "1", "1.2", "v1.2.3", "1.2.3.4", "99999999999.0.0", "1.2.3-", "1.2.3\n", "0.1.0; x"])(
  "%j is no release, and so neither older nor newer",
  (text) => {
    expect(isOlder(text, "9.9.9")).toBe(false);
    expect(isOlder("0.0.1", text)).toBe(false);
  },
);

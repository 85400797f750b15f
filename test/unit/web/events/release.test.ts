import { expect, test } from "vitest";
import { isOlder } from "../../../../hub/web/events/index.ts";

test.each([
  ["0.1.0", "0.2.0", true],
  ["0.9.0", "0.10.0", true],
  ["1.0", "1.0.1", true],
  ["1.0.0", "1.0", false],
  ["1.2.0", "1.2.0", false],
  ["2.0.0", "1.9.9", false],
  ["1.2.0-rc1", "1.2.1", true],
  ["", "1.0.0", false],
  ["weird", "1.0.0", false],
])("%s is older than %s: %s", (release, other, older) => {
  expect(isOlder(release, other)).toBe(older);
});

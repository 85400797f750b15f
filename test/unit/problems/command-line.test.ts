import { expect, test } from "vitest";
import { downtimeOf } from "../../../hub/command/problem.ts";

const NOW = Date.parse("2026-01-31T12:00:00Z");
const BASE = { kind: "downtime", comment: "x", services: false };

test.each([
  [{ for: "2h" }, { from: NOW / 1_000, to: NOW / 1_000 + 7_200 }],
  [
    { for: "30m", from: "2026-02-01" },
    { from: 1_769_904_000, to: 1_769_905_800 },
  ],
  [{ to: "2026-01-31T14:00+01:00" }, { from: NOW / 1_000, to: NOW / 1_000 + 3_600 }],
])("%j is a downtime", (options, expected) => {
  expect(downtimeOf({ comment: "x", ...options }, NOW)).toEqual({ ...BASE, ...expected });
});

test.each([
  {},
  { for: "2h", to: "2026-02-01" },
  { for: "2 hours" },
  { to: "tomorrow" },
  { for: "2h", from: "x" },
])("%j is none", (options) => {
  expect(() => downtimeOf({ comment: "x", ...options }, NOW)).toThrow(
    expect.objectContaining({ code: "E_USAGE" }),
  );
});

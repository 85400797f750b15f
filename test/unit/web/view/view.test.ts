import { expect, test } from "vitest";
import {
  bytes,
  count,
  isFound,
  isShown,
  latency,
  SITE_CELLS,
  type SiteRow,
  SPARK_STEPS,
  siteTone,
  span,
  sparkPoints,
} from "../../../../hub/web/view/index.ts";

const NOW = Date.UTC(2026, 2, 1, 12);
const row: SiteRow = {
  tenant: "acme",
  site: "main",
  state: "online",
  since: new Date(NOW - 90_000).toISOString(),
  why: "",
  queue: 0,
  outdated: false,
  never: false,
};

test.each([
  [0, "0 s"],
  [-5_000, "0 s"],
  [59_999, "59 s"],
  [60_000, "1 m"],
  [3_599_000, "59 m"],
  [3_600_000, "1 h"],
  [5_400_000, "1 h 30 m"],
  [86_400_000, "1 d"],
  [90_000_000, "1 d 1 h"],
])("a span of %d ms is %s", (ms, text) => {
  expect(span(ms)).toBe(text);
});

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1_000, "1.0 kB"],
  [9_949, "9.9 kB"],
  [9_951, "10 kB"],
  [999_499, "999 kB"],
  [999_501, "1.0 MB"],
  [5e15, "5.0 PB"],
  [5e18, "5000 PB"],
])("%d bytes are %s", (number, text) => {
  expect(bytes(number)).toBe(text);
});

test("latencies are told as finely as they matter", () => {
  expect([0.44, 9.94, 12.4, 999.4, 1_234].map(latency)).toEqual([
    "0.4 ms",
    "9.9 ms",
    "12 ms",
    "999 ms",
    "1.2 s",
  ]);
});

test("thousands are apart", () => {
  expect(count(1_234_567)).toBe("1\u202f234\u202f567");
  expect(count(999)).toBe("999");
});

test("a spark line ends at the right edge, however few values there are", () => {
  expect(sparkPoints([10, 5])).toBe(`${SPARK_STEPS - 2},1 ${SPARK_STEPS - 1},10`);
  const full = sparkPoints(Array.from({ length: 100 }, (_, at) => at)).split(" ");
  expect(full).toHaveLength(SPARK_STEPS);
  expect(full.at(-1)).toBe(`${SPARK_STEPS - 1},1`);
});

test("nothing is drawn of nothing", () => {
  expect(sparkPoints([])).toBe("");
  expect(sparkPoints([7])).toBe("");
  expect(sparkPoints([0, 0, 0])).toBe("");
  expect(sparkPoints([undefined, 3, undefined])).toBe("");
});

test("a gap is drawn through", () => {
  expect(sparkPoints([2, undefined, 2]).split(" ")).toHaveLength(2);
});

test("states have Checkmk's colours", () => {
  expect(
    ["online", "waiting", "unreach", "down", "dead", "unknown", "disabled"].map((s) =>
      siteTone(s as "online"),
    ),
  ).toEqual(["ok", "idle", "unknown", "crit", "crit", "unknown", "idle"]);
});

test("the worst state comes first, the newest change first", () => {
  const order = (changes: Partial<SiteRow>, column: "state" | "since") =>
    SITE_CELLS[column]({ ...row, ...changes }, NOW).order ?? Number.NaN;
  expect(order({ state: "dead" }, "state")).toBeLessThan(order({ state: "unreach" }, "state"));
  expect(order({ state: "unreach" }, "state")).toBeLessThan(order({ state: "online" }, "state"));
  expect(order({ since: new Date(NOW).toISOString() }, "since")).toBeLessThan(order({}, "since"));
});

test("choices show what they say", () => {
  const dead = { state: "dead", outdated: true, never: false } as const;
  expect(isShown("all", dead)).toBe(true);
  expect(isShown("trouble", dead)).toBe(true);
  expect(isShown("update", dead)).toBe(true);
  expect(isShown("never", dead)).toBe(false);
  expect(isShown("down", dead)).toBe(false);
  expect(isShown("trouble", { ...dead, state: "disabled" })).toBe(false);
  expect(isShown("trouble", { ...dead, state: "waiting" })).toBe(false);
});

test("a search finds each word anywhere, in any case", () => {
  expect(isFound("REFUSED acme", "acme/main dead Connection refused")).toBe(true);
  expect(isFound("refused globex", "acme/main dead Connection refused")).toBe(false);
  expect(isFound(" ", "anything")).toBe(true);
});

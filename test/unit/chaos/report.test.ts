import { expect, test } from "vitest";
import { complaints, type Report } from "../../chaos/report.ts";

const WELL: Report = {
  seconds: 60,
  carriersKilled: 50,
  queries: 1_000,
  failed: 0,
  wrong: 0,
  bulkBytes: 1e9,
  bulkCorrupt: 0,
  resumed: 50,
  longestStallMs: 100,
  mode: "kill",
  carrier: "auto",
  seed: 1,
  rttMs: 1,
  machineStallMs: 5,
  sessionsLost: 0,
  faults: { kill: 50 },
};

test("a run in which no client saw anything is well", () => {
  expect(complaints(WELL)).toEqual([]);
  expect(complaints({ ...WELL, mode: "rollover", carriersKilled: 0, rolledOver: 12 })).toEqual([]);
});

test.each<Partial<Report>>([
  { failed: 1 },
  { wrong: 1 },
  { bulkCorrupt: 1 },
  // what shows nothing is no success either
  { queries: 0 },
  { bulkBytes: 0 },
  { carriersKilled: 0 },
  { resumed: 0 },
  { mode: "rollover", rolledOver: 0 },
])("a run is not well with %o", (change) => {
  expect(complaints({ ...WELL, ...change })).toHaveLength(1);
});

import { expect, test } from "vitest";
import { FakeClock } from "../../../common/clock.ts";
import { Refusals } from "../../../hub/inbox/index.ts";

function rig() {
  const clock = new FakeClock();
  const told: string[] = [];
  const refusals = new Refusals({
    clock,
    tell: ({ tenant, site }, lane, reason, untold) =>
      told.push(`${tenant}/${site} ${lane} ${reason} ${untold}`),
  });
  return { clock, told, refusals };
}

const SITE = { tenant: "acme", site: "main" };

test("an agent whose letters are all refused does not push other records out of the audit", () => {
  const { clock, told, refusals } = rig();
  for (let second = 0; second < 24 * 3600; second++) {
    for (let each = 0; each < 5; each++) refusals.note(SITE, "notify", "no");
    clock.advance(1_000);
  }
  expect(refusals.count).toBe(24 * 3600 * 5);
  expect(told.length).toBeLessThan(2_200);
  expect(told.length).toBeGreaterThan(1_400);
  // none is forgotten: those that were not told are counted with the next
  const counted = told.reduce((sum, line) => sum + 1 + Number(line.split(" ").at(-1)), 0);
  expect(refusals.count - counted).toBeLessThan(600);
});

test("each lane of each site is told for itself", () => {
  const { told, refusals } = rig();
  for (let each = 0; each < 100; each++) refusals.note(SITE, "notify", "no");
  refusals.note(SITE, "status", "no");
  refusals.note({ tenant: "beta", site: "main" }, "notify", "no");
  expect(told.slice(-2)).toEqual(["acme/main status no 0", "beta/main notify no 0"]);
  expect(told).toHaveLength(12);
});

test("of a site that is gone nothing is kept", () => {
  const { told, refusals } = rig();
  for (let each = 0; each < 11; each++) refusals.note(SITE, "notify", "no");
  refusals.forget({ tenant: "acme", name: "main" });
  refusals.note(SITE, "notify", "no");
  expect(told.at(-1)).toBe("acme/main notify no 0");
});

import { expect, test } from "vitest";
import { FakeClock } from "../../../common/clock.ts";
import { Rounds } from "../../../hub/problems/rounds.ts";
import { Dice } from "../session/rig.ts";
import { settle } from "./rig.ts";

function rounds(options: { atOnce?: number; perSecond?: number; takes?: (site: number) => number } = {}) {
  const clock = new FakeClock();
  const asked: { site: number; at: number }[] = [];
  let busy = 0;
  let most = 0;
  const made = new Rounds({
    clock,
    random: new Dice(1),
    interval: 2_000,
    atOnce: options.atOnce ?? 100,
    perSecond: options.perSecond ?? 1_000,
    ask: (site) => {
      asked.push({ site, at: clock.now() });
      most = Math.max(most, ++busy);
      return new Promise((resolve) => {
        clock.after(options.takes?.(site) ?? 10, () => {
          busy--;
          resolve(0);
        });
      });
    },
  });
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 10) {
      clock.advance(10);
      await settle();
    }
  };
  const of = (site: number) => asked.filter((each) => each.site === site).length;
  return { made, asked, pass, of, most: () => most, clock };
}

test("each site is asked at its interval, and a slow one holds nobody back", async () => {
  const { made, pass, of } = rounds({ takes: (site) => (site === 2 ? 3_000 : 10) });
  for (const site of [1, 2, 3]) made.add(site);
  await pass(12_000);
  expect([of(1), of(3)]).toEqual([7, 7]);
  // three seconds to answer, six to rest
  expect(of(2)).toBe(2);
});

test("no more at a time, and no more in a second, than set", async () => {
  const { made, pass, asked, most } = rounds({ atOnce: 5, perSecond: 10 });
  for (let site = 1; site <= 40; site++) made.add(site);
  await pass(10_000);
  expect(most()).toBeLessThanOrEqual(5);
  expect(asked.length).toBeLessThanOrEqual(110);
  expect(asked.length).toBeGreaterThan(90);
  // in turns, although each wants to be asked twice as often
  expect(new Set(asked.map(({ site }) => site)).size).toBe(40);
});

test("a site is asked at once where something is known to be different, also behind a question under way", async () => {
  const { made, pass, of } = rounds({ takes: () => 500 });
  made.add(1);
  await pass(600);
  made.hurry(1);
  expect(of(1)).toBe(2);
  made.hurry(1);
  await pass(510);
  expect(of(1)).toBe(3);
});

test("nothing is left behind", async () => {
  const { made, pass, asked, clock } = rounds();
  made.add(1);
  made.add(2);
  await pass(100);
  made.remove(1);
  made.stop();
  const before = asked.length;
  await pass(10_000);
  expect([asked.length, clock.pending]).toEqual([before, 0]);
});

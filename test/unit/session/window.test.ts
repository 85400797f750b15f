import { expect, test } from "vitest";
import { SendWindow, WINDOW_LIMITS } from "../../../common/session/window.ts";
import { forSeeds } from "./rig.ts";

const KIB = 1 << 10;
const FIRST = 64 * KIB;
const { least, most } = WINDOW_LIMITS;

/** A window, and the line that it is tried on: what it is told is what such a line would tell. */
class Trial {
  readonly window: SendWindow;
  now = 1_000;

  constructor(window = new SendWindow()) {
    this.window = window;
  }

  /** One round trip: all under way is acknowledged, in as many parts as there are times it took, in ms. */
  round(rtts: number[], underWay = this.window.limit): this {
    const bytes = underWay / rtts.length;
    for (const rtt of rtts) this.window.acknowledged(bytes, rtt, underWay, this.now);
    this.now += Math.max(...rtts);
    return this;
  }

  /** So many round trips, each like the other. */
  rounds(count: number, rtt: number): this {
    for (let i = 0; i < count; i++) this.round([rtt]);
    return this;
  }
}

test("it begins with 64 KiB, and knows nothing of the line", () => {
  const window = new SendWindow();
  expect([window.limit, window.leastRtt, window.record(65_000)]).toEqual([FIRST, undefined, 16 * KIB]);
});

test("it grows by half with each round trip while acknowledgements come as fast as on the empty line", () => {
  const trial = new Trial();
  for (let n = 1; n <= 10; n++) {
    trial.round([50]);
    expect(trial.window.limit).toBe(FIRST * 1.5 ** n);
  }
  expect(trial.window.leastRtt).toBe(50);
});

test("it does not grow while it is not used, and goes on growing once it is", () => {
  const { window } = new Trial().rounds(2, 50);
  const before = window.limit;
  const idle = new Trial(window);
  idle.now = 1e6;
  for (let i = 0; i < 20; i++) idle.round([50], before / 2 - 1);
  expect(window.limit).toBe(before);
  idle.round([50], before / 2);
  expect(window.limit).toBe(before * 1.25);
});

test("a queue that stands shrinks it once per round trip, to what fits and half the delay it may add", () => {
  const trial = new Trial().rounds(3, 50);
  const { window } = trial;
  const full = window.limit;
  const late = (underWay: number) => window.acknowledged(KIB, 80, underWay, trial.now);
  late(full);
  const fits = (full * 55) / 80;
  expect(window.limit).toBeCloseTo(fits, 6);
  // what was sent before the window shrank comes back during the next 80 ms, and for as long again it is seen
  // whether that was enough
  for (let ms = 0; ms < 150; ms += 10) {
    trial.now += 10;
    late(full);
  }
  expect(window.limit).toBeCloseTo(fits, 6);
  // what is under way by then counts, not what might have been
  trial.now += 10;
  late(fits / 2);
  expect(window.limit).toBeCloseTo(((fits / 2) * 55) / 80, 6);
});

test("once the queue is gone it shrinks no further", () => {
  const trial = new Trial().rounds(3, 50);
  const { window } = trial;
  window.acknowledged(KIB, 80, window.limit, trial.now);
  const fits = window.limit;
  for (let ms = 10; ms <= 160; ms += 10) {
    window.acknowledged(KIB, ms <= 80 ? 80 : 55, fits, trial.now + ms);
  }
  expect(window.limit).toBeGreaterThanOrEqual(fits);
  expect(window.limit).toBeLessThan(fits * 1.001);
});

test("a queue that others make does not shrink a window that is not used", () => {
  const trial = new Trial().rounds(3, 50);
  const before = trial.window.limit;
  for (let i = 0; i < 10; i++) trial.round([120], before / 2 - 1);
  expect(trial.window.limit).toBe(before);
  trial.round([120], before / 2);
  expect(trial.window.limit).toBeLessThan(before);
});

test("late acknowledgements among others in time do not shrink it: bursts and busy hosts are no queue", () => {
  const trial = new Trial().rounds(3, 50);
  for (let i = 0; i < 20; i++) {
    const before = trial.window.limit;
    trial.round([50, 60, 90, 200]);
    expect(trial.window.limit).toBeGreaterThanOrEqual(before);
  }
});

test("bursts that take the line half a round trip end the fast growth before a queue stands", () => {
  const trial = new Trial().rounds(3, 50);
  trial.round([50, 75]).round([50, 75]);
  const before = trial.window.limit;
  trial.round([50, 75]);
  // a quarter of the target's 10 ms, of the 50 that a round trip takes
  expect(trial.window.limit / before).toBeCloseTo(1 + 2.5 / 50, 2);
});

test("after the queue has gone growth gathers speed again with each round trip", () => {
  const trial = new Trial().rounds(4, 50).rounds(3, 80);
  const steps: number[] = [];
  for (let i = 0; i < 12; i++) {
    const before = trial.window.limit;
    trial.round([50]);
    steps.push(trial.window.limit / before - 1);
  }
  expect(steps[1]).toBeLessThan(0.08);
  for (let i = 2; i < 12; i++) expect(steps[i]).toBeGreaterThan((steps[i - 1] as number) - 1e-9);
  expect(steps.at(-1)).toBeCloseTo(0.5, 6);
});

test("near the delay it may add it grows ever more slowly, and at that delay not at all", () => {
  const steps = [5, 6, 8, 9.9, 10].map((queue) => {
    const trial = new Trial().rounds(3, 50).rounds(2, 50 + queue);
    const before = trial.window.limit;
    trial.round([50 + queue]);
    return trial.window.limit - before;
  });
  expect(steps).toEqual(steps.toSorted((a, b) => b - a));
  expect(steps[0]).toBeGreaterThan(0);
  expect(steps.at(-1)).toBe(0);
});

test("it never shrinks below its least nor grows beyond its most", () => {
  const trial = new Trial().rounds(1, 50);
  for (let i = 0; i < 20; i++) trial.round([50 + 100 * (i + 1)]);
  expect(trial.window.limit).toBeGreaterThanOrEqual(least);
  const fast = new Trial().rounds(100, 50);
  expect(fast.window.limit).toBe(most);
});

test("a delay that stays with the least under way is the line's own: it has become longer", () => {
  const trial = new Trial(new SendWindow({ least: 40 * KIB, most, target: 10 })).rounds(1, 20);
  for (let i = 0; i < 10 && trial.window.limit > 40 * KIB; i++) trial.round([300]);
  expect(trial.window.limit).toBe(40 * KIB);
  trial.rounds(2, 300);
  expect(trial.window.leastRtt).toBe(300);
  trial.rounds(30, 300);
  expect(trial.window.limit).toBeGreaterThan(1 << 20);
});

test("a record takes the line four milliseconds, as far as the window tells", () => {
  const trial = new Trial().rounds(4, 80);
  const { limit } = trial.window;
  expect(trial.window.record(65_000)).toBe(Math.floor((limit / 80) * 4));
  // never so small that its own headers matter, nor larger than asked for
  expect(new Trial().rounds(1, 400).window.record(65_000)).toBe(4 * KIB);
  expect(new Trial().rounds(12, 80).window.record(65_000)).toBe(65_000);
  // where a round trip takes no longer than that, size does not matter
  expect(new Trial().rounds(1, 4).window.record(65_000)).toBe(65_000);
});

test("a new carrier begins with half, and learns its delay anew", () => {
  const small = new Trial().rounds(1, 80);
  expect(small.window.limit).toBe(96 * KIB);
  small.window.restart(0);
  expect([small.window.limit, small.window.leastRtt, small.window.record(65_000)]).toEqual([
    48 * KIB,
    undefined,
    16 * KIB,
  ]);
  small.rounds(2, 200);
  expect([small.window.limit, small.window.leastRtt]).toEqual([48 * KIB * 1.5 ** 2, 200]);
  const large = new Trial().rounds(10, 80);
  const before = large.window.limit;
  large.window.restart(0);
  expect(large.window.limit).toBe(before / 2);
  // never less than the least, and a carrier on which nothing was acknowledged taught nothing
  for (let i = 0; i < 10; i++) {
    large.round([80], least);
    large.window.restart(0);
  }
  expect(large.window.limit).toBe(least);
  const fresh = new SendWindow();
  fresh.restart(0);
  expect(fresh.limit).toBe(FIRST);
});

test("what a new carrier has to send again does not make its window grow", () => {
  const trial = new Trial().rounds(4, 50);
  const again = trial.window.limit;
  trial.window.restart(again);
  trial.round([50, 50, 50, 50], again);
  expect([trial.window.limit, trial.window.leastRtt]).toEqual([again / 2, 50]);
  trial.round([50]);
  expect(trial.window.limit).toBe((again / 2) * 1.5);
});

test("a line without any delay is no reason for a fault", () => {
  const trial = new Trial().rounds(5, 0);
  expect(trial.window.limit).toBe(FIRST * 1.5 ** 5);
  expect(trial.window.record(65_000)).toBe(65_000);
});

test("whatever it is told, it stays within its bounds", async () => {
  await forSeeds(1, 200, async (dice) => {
    const window = new SendWindow();
    let now = 0;
    for (let i = 0; i < 300; i++) {
      if (dice.upTo(50) === 0) window.restart(dice.upTo(1 << 20));
      now += dice.upTo(3) * dice.unit() * 100;
      window.acknowledged(
        dice.upTo(2 ** dice.upTo(24)),
        dice.unit() * 10 ** dice.upTo(5),
        dice.upTo(1 << 24),
        now,
      );
      if (!(window.limit >= least && window.limit <= most)) throw new Error(`a limit of ${window.limit}`);
      const record = window.record(65_000);
      if (!(Number.isInteger(record) && record >= 4 * KIB && record <= 65_000))
        throw new Error(`a record of ${record}`);
    }
  });
});

import { describe, expect, test } from "vitest";
import { SendWindow, WINDOW_LIMITS } from "../../../common/session/window.ts";
import { LineModel } from "./line-model.ts";
import { forSeeds } from "./rig.ts";

const KIB = 1 << 10;
const FIRST = 64 * KIB;
const { least, most } = WINDOW_LIMITS;

/** Acknowledgements of a round trip. */
const PARTS = 128;

/** A window, and the line that it is tried on: what it is told is what such a line would tell. */
class Trial {
  readonly window: SendWindow;
  now = 1_000;

  constructor(window = new SendWindow()) {
    this.window = window;
  }

  /** One round trip: all under way is acknowledged, in PARTS for each of the times that it took, in ms. */
  round(rtts: number[], underWay = this.window.limit, shared = false): this {
    const bytes = underWay / rtts.length / PARTS;
    for (const rtt of rtts) {
      for (let i = 0; i < PARTS; i++) this.window.acknowledged(bytes, rtt, underWay, this.now, shared);
    }
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

test("it doubles with each round trip while acknowledgements come as fast as on the empty line", () => {
  const trial = new Trial();
  for (let n = 1; n <= 8; n++) {
    trial.round([50]);
    expect(trial.window.limit).toBe(FIRST * 2 ** n);
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
  expect(window.limit).toBeGreaterThan(before);
  const more = window.limit;
  idle.round([50], more);
  expect(window.limit).toBe(more * 2);
});

test("a queue that stands shrinks it once per round trip, to what fits and half the delay it may add", () => {
  const trial = new Trial().rounds(3, 50).rounds(1, 80);
  const { window } = trial;
  const full = window.limit;
  const late = (underWay: number) => window.acknowledged(KIB, 80, underWay, trial.now);
  late(full);
  const fits = (full * (55 + (2 * 80) / PARTS)) / 80;
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
  const gap = 160 / 16;
  expect(window.limit).toBeCloseTo(((fits / 2) * (55 + Math.min(2 * gap, 10))) / 80, 6);
});

test("once the queue is gone it shrinks no further", () => {
  const trial = new Trial().rounds(3, 50).rounds(1, 80);
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
  const trial = new Trial().rounds(4, 50).rounds(2, 59);
  const steps: number[] = [];
  for (let i = 0; i < 6; i++) {
    const before = trial.window.limit;
    trial.round([50]);
    steps.push(trial.window.limit / before - 1);
  }
  expect(steps[1]).toBeLessThan(0.15);
  for (let i = 2; i < 6; i++) expect(steps[i]).toBeGreaterThan(steps[i - 1] as number);
  expect(steps.at(-1)).toBeGreaterThan(0.5);
});

test("near the delay it may add it grows ever more slowly, and at that delay not at all", () => {
  const steps = [5, 6, 8, 9.9, 10].map((queue) => {
    const rtt = (50 + queue) / (1 - 2 / PARTS); // with what their rhythm adds
    const trial = new Trial().rounds(3, 50).rounds(2, rtt);
    const before = trial.window.limit;
    trial.round([rtt]);
    return trial.window.limit - before;
  });
  expect(steps).toEqual(steps.toSorted((a, b) => b - a));
  expect(steps[0]).toBeGreaterThan(0);
  expect(steps.at(-1)).toBeCloseTo(0, 6);
});

test("it never shrinks below its least nor grows beyond its most", () => {
  const trial = new Trial().rounds(1, 50);
  for (let i = 0; i < 20; i++) trial.round([50 + 100 * (i + 1)]);
  expect(trial.window.limit).toBeGreaterThanOrEqual(least);
  const fast = new Trial().rounds(100, 50);
  expect(fast.window.limit).toBe(most);
});

test("a delay that stays with the least under way is the line's own: it has become longer", () => {
  const trial = new Trial(new SendWindow({ least: 40 * KIB, most, target: 10, sharedTarget: 0.3 })).rounds(
    1,
    20,
  );
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
  expect(new Trial().rounds(8, 80).window.record(65_000)).toBe(65_000);
  // where a round trip takes no longer than that, size does not matter
  expect(new Trial().rounds(1, 4).window.record(65_000)).toBe(65_000);
});

test("a new carrier begins with half, and learns its delay anew", () => {
  const small = new Trial().rounds(1, 80);
  expect(small.window.limit).toBe(128 * KIB);
  small.window.restart(0);
  expect([small.window.limit, small.window.leastRtt, small.window.record(65_000)]).toEqual([
    64 * KIB,
    undefined,
    16 * KIB,
  ]);
  small.rounds(2, 200);
  expect([small.window.limit, small.window.leastRtt]).toEqual([64 * KIB * 2 ** 2, 200]);
  const large = new Trial().rounds(7, 80);
  const before = large.window.limit;
  large.window.restart(0);
  expect(large.window.limit).toBe(before / 2);
  // never less than the least, and a carrier on which nothing was acknowledged taught nothing
  for (let i = 0; i < 10; i++) {
    large.round([80], 1);
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
  expect(trial.window.limit).toBe(again);
});

test("a line without any delay is no reason for a fault", () => {
  const trial = new Trial().rounds(5, 0);
  expect(trial.window.limit).toBe(FIRST * 2 ** 5);
  expect(trial.window.record(65_000)).toBe(65_000);
});

test("while others wait on a short line the queue may be a millisecond; on a long one a tenth of its delay", () => {
  const shrinks = (rtt: number, queue: number, shared: boolean) => {
    const trial = new Trial();
    for (let i = 0; i < 3; i++) trial.round([rtt], trial.window.limit, shared);
    trial.round([rtt + queue], trial.window.limit, shared);
    const before = trial.window.limit;
    trial.round([rtt + queue], trial.window.limit, shared);
    return trial.window.limit < before;
  };
  expect([shrinks(2, 2, true), shrinks(2, 2, false)]).toEqual([true, false]);
  expect([shrinks(50, 7, true), shrinks(50, 7, false)]).toEqual([true, false]);
  expect([shrinks(200, 8, true), shrinks(200, 8, false)]).toEqual([false, false]);
});

test("within a machine bulk goes record by record while others wait", () => {
  const within = new Trial().rounds(5, 0.2).window;
  expect([within.bulk(false), within.bulk(true)]).toEqual([within.limit, least]);
  const lan = new Trial().rounds(5, 0.6).window;
  expect([lan.bulk(false), lan.bulk(true)]).toEqual([lan.limit, lan.limit]);
  const unknown = new SendWindow();
  expect(unknown.bulk(true)).toBe(FIRST);
});

test("what somebody waits for has twice the window, and on a short line 256 KiB at least", () => {
  const short = new Trial().rounds(1, 4);
  while (short.window.limit >= 100 * KIB) short.round([40]);
  expect(short.window.limit).toBeGreaterThan(least);
  expect(short.window.interactive).toBe(256 * KIB);
  const long = new Trial().rounds(1, 50).window;
  expect(long.interactive).toBe(2 * long.limit);
});

test("on a short line a window that nobody used is forgotten when a queue stands", () => {
  const trial = new Trial().rounds(8, 2);
  expect(trial.window.limit).toBe(most);
  trial.round([20], 200 * KIB).round([20], 200 * KIB);
  expect(trial.window.limit).toBeLessThanOrEqual(400 * KIB);
});

test("what the connection does not take at once is not sent to it for some round trips", () => {
  const trial = new Trial().rounds(6, 50);
  const { window } = trial;
  const taken = 3 << 20;
  window.full(taken, trial.now);
  const just = window.limit;
  expect(just).toBeLessThan(taken);
  expect(just).toBeGreaterThan(0.95 * taken);
  trial.rounds(19, 50);
  expect(window.limit).toBe(just);
  trial.rounds(3, 50);
  expect(window.limit).toBeGreaterThan(just);
});

test("a small buffer that is full says nothing: it grows as it is used", () => {
  const { window } = new Trial().rounds(3, 50);
  const before = window.limit;
  window.full(100 * KIB, 2_000);
  expect(window.limit).toBe(before);
});

describe("on a line with a rate", () => {
  /** Bytes per ms and ms. */
  const LINES = {
    "10 Mbit/s, 80 ms": { rate: 1_250, rtt: 80 },
    "100 Mbit/s, 20 ms": { rate: 12_500, rtt: 20 },
    "600 Mbit/s, 50 ms": { rate: 75_000, rtt: 50 },
    "1 Gbit/s, 0.6 ms": { rate: 125_000, rtt: 0.6 },
  };

  function model(line: { rate: number; rtt: number }, shared: boolean): LineModel {
    const made = new LineModel({ ...line, ackBytes: 16 * KIB, ackDelay: 5, most: 65_519, shared });
    // an exchange before has told the line's delay
    made.window.acknowledged(200, line.rtt + 0.1, 200, 1);
    return made;
  }

  test.each(Object.entries(LINES))(
    "%s: bulk fills it within two seconds, with a queue that is bounded",
    (_, line) => {
      const its = model(line, false);
      its.run(2_000);
      const { use, meanQueue } = its.run(4_000);
      expect(use).toBeGreaterThan(0.97);
      expect(meanQueue).toBeLessThan(2.5 * WINDOW_LIMITS.target);
    },
  );

  test.each(Object.entries(LINES))(
    "%s: while others wait the queue is shorter, and bulk fills it still",
    (_, line) => {
      const its = model(line, true);
      its.run(2_000);
      const { use, meanQueue } = its.run(4_000);
      expect(use).toBeGreaterThan(0.93);
      expect(meanQueue).toBeLessThan(Math.max(2, 0.2 * line.rtt));
    },
  );

  test("after it stood still for a moment, it is full again within a second", () => {
    const its = model(LINES["10 Mbit/s, 80 ms"], true);
    its.run(4_000);
    its.block(350);
    its.run(1_350);
    expect(its.run(1_000).use).toBeGreaterThan(0.97);
  });
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
        dice.upTo(1) === 0,
      );
      if (dice.upTo(20) === 0) window.full(dice.upTo(1 << 24), now);
      if (!(window.limit >= least && window.limit <= most)) throw new Error(`a limit of ${window.limit}`);
      const record = window.record(65_000);
      if (!(Number.isInteger(record) && record >= 4 * KIB && record <= 65_000))
        throw new Error(`a record of ${record}`);
    }
  });
});

import { expect, test } from "vitest";
import { Backoff, type BackoffLimits } from "../../../agent/tunnel/backoff.ts";
import type { Random } from "../../../common/random.ts";
import { Dice } from "../session/rig.ts";

const LIMITS: BackoffLimits = {
  first: 1_000,
  most: 30_000,
  least: 100,
  perFailure: 1_000,
  stable: 30_000,
  quick: 200,
  quickTries: 3,
};

/** Always the same place between nothing (0) and everything (1). */
const at = (unit: number): Random => ({ bytes: (n) => new Uint8Array(n), unit: () => unit });

function waits(backoff: Backoff, count: number): number[] {
  return Array.from({ length: count }, () => backoff.next());
}

/** The waits after losses, one at each of these times. */
function losses(backoff: Backoff, ...times: number[]): number[] {
  return times.map((now) => backoff.afterLoss(0, now));
}

/** How many of `values` lie in each tenth of the way from `from` to `to`. */
function tenths(values: number[], from: number, to: number): number[] {
  const width = (to - from) / 10;
  return Array.from(
    { length: 10 },
    (_, n) => values.filter((value) => Math.floor((value - from) / width) === n).length,
  );
}

test("the longest wait doubles with each failure, up to its limit", () => {
  expect(waits(new Backoff(at(1), LIMITS), 8)).toEqual([
    1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000,
  ]);
});

test("the wait is anything from nearly nothing to the longest", () => {
  expect(waits(new Backoff(at(0), LIMITS), 4)).toEqual([100, 100, 100, 100]);
  expect(waits(new Backoff(at(0.5), LIMITS), 4)).toEqual([500, 1_000, 2_000, 4_000]);
});

test("many agents that lose the hub at once spread over the whole wait", () => {
  const dice = new Dice(3);
  const tries = Array.from({ length: 2_000 }, () => {
    const backoff = new Backoff(dice, LIMITS);
    waits(backoff, 5);
    return backoff.next();
  });
  expect(Math.min(...tenths(tries, 0, 30_000))).toBeGreaterThan(120);
  expect(Math.max(...tries)).toBeLessThanOrEqual(30_000);
  expect(Math.min(...tries)).toBeGreaterThanOrEqual(100);
});

test("their first tries spread over the quick wait", () => {
  const dice = new Dice(4);
  const tries = Array.from({ length: 2_000 }, () => new Backoff(dice, LIMITS).afterLoss(60_000, 1e6));
  expect(Math.min(...tenths(tries, 0, 200))).toBeGreaterThan(120);
  expect(Math.max(...tries)).toBeLessThan(200);
});

test("each second of connection makes up for one failure", () => {
  for (const [held, next] of [
    [999, 16_000],
    [1_000, 8_000],
    [3_999, 2_000],
    [4_000, 1_000],
    [29_999, 1_000],
  ] as const) {
    const backoff = new Backoff(at(1), LIMITS);
    waits(backoff, 4);
    backoff.afterLoss(held, 0);
    expect(backoff.next()).toBe(next);
  }
});

test("a connection that held makes up for all failures before it, however many", () => {
  const backoff = new Backoff(at(1), LIMITS);
  waits(backoff, 400);
  backoff.afterLoss(29_999, 0);
  expect(backoff.next()).toBe(30_000);
  backoff.afterLoss(30_000, 0);
  expect(waits(backoff, 2)).toEqual([1_000, 2_000]);
});

test("on a line where every tenth try fails the waits do not grow", () => {
  const backoff = new Backoff(at(1), LIMITS);
  const slow: number[] = [];
  for (let n = 1; n <= 200; n++) {
    backoff.afterLoss(1_100, n * 1_500);
    if (n % 10 === 0) slow.push(backoff.next());
  }
  expect(new Set(slow)).toEqual(new Set([1_000]));
});

test("after a loss the wait is short, anything from nothing to the quick wait", () => {
  for (const unit of [0, 0.5, 1]) expect(losses(new Backoff(at(unit), LIMITS), 0)).toEqual([200 * unit]);
});

test("losses upon each other use the quick tries up, and then count as failures", () => {
  expect(losses(new Backoff(at(1), LIMITS), 0, 0, 0, 0, 0, 0)).toEqual([200, 200, 200, 1_000, 2_000, 4_000]);
});

test("a quick try is given back for each second", () => {
  const backoff = new Backoff(at(1), LIMITS);
  expect(losses(backoff, 0, 0, 0, 500)).toEqual([200, 200, 200, 1_000]);
  expect(losses(backoff, 1_000, 1_500, 3_000, 3_000)).toEqual([200, 2_000, 200, 200]);
  expect(losses(backoff, 3_000)).toEqual([4_000]);
});

test("no more quick tries are given back than there are", () => {
  const backoff = new Backoff(at(1), LIMITS);
  expect(losses(backoff, 1e9, 1e9, 1e9, 1e9)).toEqual([200, 200, 200, 1_000]);
  expect(losses(backoff, 2e9, 2e9, 2e9, 2e9)).toEqual([200, 200, 200, 2_000]);
});

test("a connection that held gives no quick tries back by itself, but the wait after them is short again", () => {
  const backoff = new Backoff(at(1), LIMITS);
  expect(losses(backoff, 0, 0, 0, 0, 0, 0)).toEqual([200, 200, 200, 1_000, 2_000, 4_000]);
  expect(backoff.afterLoss(30_000, 0)).toBe(1_000);
});

test("failures without end do not overflow the wait", () => {
  const backoff = new Backoff(at(1), LIMITS);
  expect(waits(backoff, 5_000).at(-1)).toBe(30_000);
});

test("without limits given it waits at most 1 s after the first failure and 30 s ever", () => {
  expect(waits(new Backoff(at(1)), 6)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000]);
});

test("without limits given thirty losses upon each other are followed by quick tries of at most 0.2 s", () => {
  const backoff = new Backoff(at(1));
  expect(losses(backoff, ...Array(31).fill(0))).toEqual([...Array(30).fill(200), 1_000]);
});

import { expect, test } from "vitest";
import { Backoff, type BackoffLimits } from "../../../agent/tunnel/backoff.ts";
import type { Random } from "../../../common/random.ts";
import { Dice } from "../session/rig.ts";

const LIMITS: BackoffLimits = { first: 1_000, most: 30_000, least: 100, stable: 30_000 };

/** Always the same place between nothing (0) and everything (1). */
const at = (unit: number): Random => ({ bytes: (n) => new Uint8Array(n), unit: () => unit });

function waits(backoff: Backoff, count: number): number[] {
  return Array.from({ length: count }, () => backoff.next());
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
  const tenths = Array.from(
    { length: 10 },
    (_, n) => tries.filter((wait) => Math.floor(wait / 3_000) === n).length,
  );
  expect(Math.min(...tenths)).toBeGreaterThan(120);
  expect(Math.max(...tries)).toBeLessThanOrEqual(30_000);
  expect(Math.min(...tries)).toBeGreaterThanOrEqual(100);
});

test("a connection that did not hold long enough wipes nothing", () => {
  const backoff = new Backoff(at(1), LIMITS);
  waits(backoff, 4);
  backoff.held(29_999);
  expect(backoff.next()).toBe(16_000);
});

test("a connection that held wipes the failures before it", () => {
  const backoff = new Backoff(at(1), LIMITS);
  waits(backoff, 4);
  backoff.held(30_000);
  expect(waits(backoff, 2)).toEqual([1_000, 2_000]);
});

test("failures without end do not overflow the wait", () => {
  const backoff = new Backoff(at(1), LIMITS);
  expect(waits(backoff, 5_000).at(-1)).toBe(30_000);
});

test("without limits given it waits at most 1 s after the first failure and 30 s ever", () => {
  expect(waits(new Backoff(at(1)), 6)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000]);
});

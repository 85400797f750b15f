import { expect, test } from "vitest";
import { FakeClock, systemClock } from "../../common/clock.ts";

test("timers fire in the order in which they fall due, each at its own time", () => {
  const clock = new FakeClock();
  const fired: [string, number][] = [];
  for (const [name, ms] of [
    ["late", 30],
    ["early", 10],
    ["middle", 20],
  ] as const) {
    clock.after(ms, () => void fired.push([name, clock.now()]));
  }
  clock.advance(25);
  expect([fired, clock.now(), clock.pending]).toEqual([
    [
      ["early", 10],
      ["middle", 20],
    ],
    25,
    1,
  ]);
  clock.advance(5);
  expect(fired.at(-1)).toEqual(["late", 30]);
});

test("timers due at the same moment fire in the order in which they were set", () => {
  const clock = new FakeClock();
  const fired: number[] = [];
  for (let n = 0; n < 5; n++) clock.after(10, () => void fired.push(n));
  clock.advance(10);
  expect(fired).toEqual([0, 1, 2, 3, 4]);
});

test("a timer set by another fires in the same advance when its time is within it", () => {
  const clock = new FakeClock();
  const fired: number[] = [];
  clock.after(10, () => {
    clock.after(10, () => void fired.push(clock.now()));
    clock.after(11, () => void fired.push(clock.now()));
  });
  clock.advance(20);
  expect([fired, clock.pending]).toEqual([[20], 1]);
});

test("a cancelled timer does not fire, also when another cancels it in the same advance", () => {
  const clock = new FakeClock();
  const fired: string[] = [];
  const second = clock.after(20, () => void fired.push("second"));
  clock.after(10, () => second.cancel());
  clock.after(5, () => void fired.push("first")).cancel();
  clock.advance(100);
  expect([fired, clock.pending]).toEqual([[], 0]);
});

test("the wall clock of a fake starts at its epoch and moves with it", () => {
  const clock = new FakeClock(1_000);
  clock.advance(234);
  expect([clock.wall(), clock.now()]).toEqual([1_234, 234]);
});

test("the system's clock counts both ways and fires what is due, unless cancelled", async () => {
  const fired: string[] = [];
  const [wall, now] = [systemClock.wall(), systemClock.now()];
  await new Promise<void>((done) => {
    systemClock.after(0, () => void fired.push("cancelled")).cancel();
    systemClock.after(0, () => void fired.push("first"));
    systemClock.after(1, done);
  });
  expect(fired).toEqual(["first"]);
  expect(systemClock.wall()).toBeGreaterThanOrEqual(wall);
  expect(systemClock.now()).toBeGreaterThan(now);
});

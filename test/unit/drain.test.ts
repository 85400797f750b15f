import { expect, test } from "vitest";
import { FakeClock } from "../../common/clock.ts";
import { type Drainable, drain, Unseen } from "../../common/drain.ts";

class Part implements Drainable {
  draining = false;
  constructor(public underWay = 0) {}
  drain(): void {
    this.draining = true;
  }
}

function rig(underWay: number, quiet = 0) {
  const clock = new FakeClock();
  const part = new Part(underWay);
  const hurry = Promise.withResolvers<void>();
  const its = { clock, part, hurry: hurry.resolve, left: undefined as number | undefined };
  const done = drain([part], { clock, within: 10_000, quiet, hurry: hurry.promise });
  void done.then((left) => {
    its.left = left;
  });
  return its;
}

/** Time that passes while promises get their turns. */
async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let left = ms; left >= 0; left -= 20) {
    clock.advance(Math.min(20, left));
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  }
}

test("nothing under way, nothing to wait for", async () => {
  const its = rig(0);
  await pass(its.clock, 0);
  expect(its.part.draining).toBe(true);
  expect(its.left).toBe(0);
});

test("what is under way is waited for", async () => {
  const its = rig(1);
  await pass(its.clock, 5_000);
  expect(its.left).toBeUndefined();
  its.part.underWay = 0;
  await pass(its.clock, 100);
  expect(its.left).toBe(0);
});

test("but not for ever", async () => {
  const its = rig(2);
  await pass(its.clock, 10_100);
  expect(its.left).toBe(2);
});

test("nor when somebody is in a hurry", async () => {
  const its = rig(2);
  await pass(its.clock, 100);
  its.hurry();
  await pass(its.clock, 100);
  expect(its.left).toBe(2);
});

test("where more may be on its way, it must have been quiet for a while", async () => {
  const its = rig(0, 500);
  await pass(its.clock, 400);
  its.part.underWay = 1;
  await pass(its.clock, 400);
  its.part.underWay = 0;
  await pass(its.clock, 400);
  expect(its.left).toBeUndefined();
  await pass(its.clock, 200);
  expect(its.left).toBe(0);
});

test("a connection in which requests cannot be seen is waited for while it is young", async () => {
  const clock = new FakeClock();
  const unseen = new Unseen(clock);
  const leave = unseen.enter();
  unseen.enter();
  expect(unseen.young).toBe(2);
  leave();
  expect(unseen.young).toBe(1);
  clock.advance(61_000);
  expect(unseen.young).toBe(0);
});

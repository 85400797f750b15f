import { expect, test } from "vitest";
import { Runs } from "../../common/runs.ts";

test("work is done one run at a time, and once more for all who asked meanwhile", async () => {
  let runs = 0;
  let release: () => void = () => {};
  const work = new Runs(async () => {
    runs++;
    await new Promise<void>((done) => {
      release = done;
    });
  });
  work.ask();
  for (let i = 0; i < 3; i++) work.ask();
  expect(runs).toBe(1);
  release();
  await Promise.resolve();
  await Promise.resolve();
  expect(runs).toBe(2);
  release();
  await work.idle;
  expect(runs).toBe(2);
});

test("nobody asks in vain, at whatever moment", async () => {
  for (let turns = 0; turns < 8; turns++) {
    let runs = 0;
    const work = new Runs(async () => {
      runs++;
    });
    work.ask();
    for (let i = 0; i < turns; i++) await Promise.resolve();
    const before = runs;
    work.ask();
    await work.idle;
    await Promise.resolve();
    expect(runs).toBe(before + 1);
  }
});

test("work that asks for itself runs again, but not within itself", async () => {
  let depth = 0;
  let runs = 0;
  const work: Runs = new Runs(async () => {
    expect(++depth).toBe(1);
    if (++runs < 3) work.ask();
    depth--;
  });
  work.ask();
  await work.idle;
  expect(runs).toBe(3);
});

import { expect, test } from "vitest";
import { Breather } from "../../common/breather.ts";
import { FakeClock } from "../../common/clock.ts";

test("short work goes on at once; long work lets others go first", async () => {
  const clock = new FakeClock();
  const breather = new Breather(clock);
  await breather.breathe();
  clock.advance(5);
  let on = false;
  const pause = breather.breathe().then(() => {
    on = true;
  });
  await Promise.resolve();
  expect(on).toBe(false);
  clock.advance(0);
  await pause;
  await breather.breathe();
});

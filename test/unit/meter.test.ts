import { expect, test } from "vitest";
import { FakeClock } from "../../common/clock.ts";
import { Meter } from "../../common/meter.ts";

test("events count for a minute, and for ever in the total", () => {
  const clock = new FakeClock();
  const meter = new Meter(clock);
  meter.add();
  clock.advance(30_000);
  meter.add(4);
  expect([meter.perMinute, meter.total]).toEqual([5, 5]);
  clock.advance(30_000);
  expect(meter.perMinute).toBe(4);
  clock.advance(3_600_000);
  expect([meter.perMinute, meter.total]).toEqual([0, 5]);
});

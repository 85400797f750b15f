import { expect, test } from "vitest";
import { FakeClock } from "../../../common/clock.ts";
import { compact, expand } from "../../../hub/history/compact.ts";
import { lengthsOf, Recorder, type Sample } from "../../../hub/history/index.ts";

const CARRIER = { carrier: "websocket", peer: "192.0.2.1", resumed: false };

function stage(config = { minutes: 3, fine_minutes: 1, connects: 3 }) {
  const clock = new FakeClock();
  const samples = new Map<number, Sample>();
  const recorder = new Recorder({
    clock,
    sample: (siteId) => samples.get(siteId),
    lengths: lengthsOf(config),
  });
  recorder.offer({ id: 1 });
  recorder.start();
  return { clock, samples, recorder };
}

test("values keep three digits and more, from hundredths to a terabyte a second", () => {
  for (let value = 1; value < 1e12; value *= 1.7) {
    expect(Math.abs((expand(compact(value)) ?? 0) / value - 1)).toBeLessThan(0.001);
  }
  expect([0, undefined, -1, Number.NaN].map((value) => expand(compact(value)))).toEqual([
    0,
    null,
    null,
    null,
  ]);
  expect(expand(compact(1e15))).toBe(1e12);
});

test("a site's values of each short step, and least, average and most of each minute", () => {
  const { clock, samples, recorder } = stage();
  recorder.came(1, CARRIER);
  for (let step = 1; step <= 24; step++) {
    samples.set(1, { rtt: step <= 12 ? 10 * step : 5, received: 500 * step, sent: 0 });
    if (step === 3) recorder.answered(1, 40);
    clock.advance(5_000);
  }
  const day = recorder.series(1);
  expect([day?.step, day?.until]).toEqual([60_000, clock.wall()]);
  expect(day?.rtt.min).toEqual([null, 10, 5]);
  expect(day?.rtt.max).toEqual([null, 120, 5]);
  expect(day?.rtt.avg[1]).toBeCloseTo(65, 0);
  expect(day?.received.avg[2]).toBeCloseTo(100, 0);
  expect(day?.sent.max).toEqual([null, 0, 0]);
  expect(day?.latency.max[1]).toBeCloseTo(40, 0);
  const fine = recorder.spark(1);
  expect([fine?.step, fine?.rtt.length]).toEqual([5_000, 12]);
  expect(fine?.rtt).toEqual(Array.from({ length: 12 }, () => 5));
});

test("while a site is not there nothing is written down, and older values make room", () => {
  const { clock, samples, recorder } = stage();
  recorder.came(1, CARRIER);
  samples.set(1, { rtt: 10, received: 0, sent: 0 });
  clock.advance(60_000);
  samples.set(1, { rtt: undefined, received: 0, sent: 0 });
  clock.advance(60_000);
  expect(recorder.series(1)?.rtt.max).toEqual([null, 10, null]);
  clock.advance(120_000);
  expect(recorder.series(1)?.rtt.max).toEqual([null, null, null]);
});

test("a host that slept has a gap, not a peak", () => {
  const { clock, samples, recorder } = stage({ minutes: 10, fine_minutes: 2, connects: 3 });
  recorder.came(1, CARRIER);
  samples.set(1, { rtt: 10, received: 0, sent: 0 });
  clock.advance(60_000);
  const before = recorder.spark(1)?.rtt.filter((value) => value !== null).length;
  // all timers of half a minute at once
  const { after } = clock;
  let late: (() => void) | undefined;
  clock.after = (ms, run) => {
    late = run;
    return after.call(clock, ms + 1e9, run);
  };
  clock.advance(5_000);
  clock.advance(30_000);
  samples.set(1, { rtt: 10, received: 3_000, sent: 0 });
  late?.();
  clock.after = after;
  const { rtt, received } = recorder.spark(1) ?? { rtt: [], received: [] };
  expect(rtt.filter((value) => value !== null).length).toBe((before ?? 0) + 2);
  expect(rtt.slice(-7)).toEqual([10, null, null, null, null, null, 10]);
  expect(received.at(-1)).toBeCloseTo(100, 0);
});

test("carriers with when they came and why they went, the newest first, and only so many", () => {
  const { clock, recorder } = stage();
  const start = clock.wall();
  recorder.came(1, CARRIER);
  clock.advance(1_000);
  recorder.went(1, "nothing heard for 10 s\u001b[0m");
  clock.advance(1_000);
  recorder.came(1, { ...CARRIER, carrier: "https", resumed: true });
  clock.advance(1_000);
  recorder.came(1, { ...CARRIER, resumed: true });
  expect(recorder.connects(1)).toEqual([
    { ...CARRIER, resumed: true, at: start + 3_000, ended: undefined, reason: undefined },
    {
      ...{ carrier: "https", peer: "192.0.2.1", resumed: true },
      ...{ at: start + 2_000, ended: start + 3_000, reason: "replaced by a newer carrier" },
    },
    { ...CARRIER, at: start, ended: start + 1_000, reason: "nothing heard for 10 s?[0m" },
  ]);
  for (let count = 0; count < 10; count++) recorder.came(1, CARRIER);
  expect(recorder.connects(1).length).toBe(3);
});

test("sites that never came hold nothing; sites that are gone are not known", () => {
  const { clock, recorder } = stage();
  clock.advance(60_000);
  expect(recorder.series(1)?.rtt.max).toEqual([null, null, null]);
  expect([recorder.series(2), recorder.spark(2), recorder.connects(2)]).toEqual([undefined, undefined, []]);
  recorder.came(1, CARRIER);
  recorder.forget({ id: 1 });
  expect(recorder.series(1)).toBeUndefined();
  recorder.stop();
  expect(clock.pending).toBe(0);
});

test("what is late of a site that is gone is not kept", () => {
  const { recorder } = stage();
  recorder.forget({ id: 1 });
  recorder.answered(1, 5);
  recorder.went(1, "late");
  expect(recorder.connects(1)).toEqual([]);
});

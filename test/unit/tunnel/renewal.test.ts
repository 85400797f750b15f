import { expect, test } from "vitest";
import { Renewal, type RenewalOptions } from "../../../agent/tunnel/renewal.ts";
import { FakeClock } from "../../../common/clock.ts";
import { MINUTE, SECOND, settle } from "../handshake/rig.ts";
import { Dice } from "../session/rig.ts";
import { jitter } from "./rig.ts";

interface Rig {
  clock: FakeClock;
  renewal: Renewal;
  /** This host's addresses as the renewal sees them. */
  host: { network: string };
  /** Reasons that were given, each with its time. */
  asked: [string, number][];
  watch(): void;
}

function rig(options: Partial<RenewalOptions> = {}): Rig {
  const clock = new FakeClock();
  const host = { network: "10.0.0.5" };
  const asked: Rig["asked"] = [];
  const renewal = new Renewal({
    clock,
    random: jitter(0.5),
    maxAge: undefined,
    network: () => host.network,
    ...options,
  });
  const watch = () => void renewal.due().then((why) => asked.push([why, clock.now()]));
  return { clock, renewal, host, asked, watch };
}

/** Lets time pass in steps of a second, each with what follows from it. */
async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= SECOND) {
    clock.advance(Math.min(left, SECOND));
    await settle();
  }
}

const OLD = "it reached its age limit";
const MOVED = "this host's addresses changed";

test.each([
  [0, 54],
  [0.5, 57],
  [0.99, 59.94],
])(
  "with jitter at %d of its range, a carrier of at most a minute is replaced after %d s",
  async (unit, after) => {
    const { clock, asked, watch } = rig({ random: jitter(unit), maxAge: MINUTE });
    watch();
    clock.advance(after * SECOND - 1);
    await settle();
    expect(asked).toEqual([]);
    clock.advance(2);
    await settle();
    expect(asked.map(([why]) => why)).toEqual([OLD]);
  },
);

test("a carrier is never replaced later than asked, nor much earlier, and many not at once", async () => {
  const dice = new Dice(6);
  const ages: number[] = [];
  for (let i = 0; i < 500; i++) {
    const { clock, renewal, asked, watch } = rig({ random: dice, maxAge: 10 * SECOND });
    watch();
    while (asked.length === 0) {
      clock.advance(10);
      await settle();
    }
    ages.push((asked[0] as [string, number])[1]);
    renewal.stop();
  }
  expect(Math.max(...ages)).toBeLessThanOrEqual(10 * SECOND);
  expect(Math.min(...ages)).toBeGreaterThanOrEqual(9 * SECOND);
  for (let tenth = 9_000; tenth < 10_000; tenth += 100) {
    expect(ages.filter((age) => age > tenth && age <= tenth + 100).length).toBeGreaterThan(25);
  }
});

test("without an age limit a carrier may grow old", async () => {
  const { clock, asked, watch } = rig();
  watch();
  for (let day = 0; day < 30; day++) clock.advance(24 * 60 * MINUTE);
  await settle();
  expect(asked).toEqual([]);
});

test("a change of this host's addresses is noticed within five seconds, whenever it comes", async () => {
  for (let at = 0; at <= 6 * SECOND; at += 500) {
    const { clock, renewal, host, asked, watch } = rig({ maxAge: 60 * MINUTE });
    watch();
    clock.advance(at);
    host.network = "192.168.7.5";
    clock.advance(5 * SECOND);
    await settle();
    expect(asked.map(([why]) => why)).toEqual([MOVED]);
    renewal.stop();
    expect(clock.pending).toBe(0);
  }
});

test("addresses that stay as they are replace nothing", async () => {
  const { clock, asked, watch } = rig();
  watch();
  await pass(clock, 10 * MINUTE);
  expect(asked).toEqual([]);
});

test("a carrier made after the change is compared with the addresses at its own beginning", async () => {
  const { clock, host, asked, watch } = rig();
  watch();
  host.network = "192.168.7.5";
  await pass(clock, 5 * SECOND);
  watch();
  await pass(clock, MINUTE);
  expect(asked).toHaveLength(1);
  host.network = "10.0.0.5";
  await pass(clock, 5 * SECOND);
  expect(asked.map(([why]) => why)).toEqual([MOVED, MOVED]);
});

test("whoever asks is heard at once", async () => {
  const { clock, renewal, asked, watch } = rig({ maxAge: MINUTE });
  watch();
  clock.advance(3 * SECOND);
  renewal.ask("the hub asks for it");
  await settle();
  expect(asked).toEqual([["the hub asks for it", 3 * SECOND]]);
});

test("of several reasons only the first is given", async () => {
  const { clock, renewal, host, asked, watch } = rig({ maxAge: MINUTE });
  watch();
  renewal.ask("first");
  renewal.ask("second");
  await settle();
  host.network = "192.168.7.5";
  await pass(clock, 2 * MINUTE);
  expect(asked).toEqual([["first", 0]]);
});

test("the next carrier is watched over anew, and the one before not any more", async () => {
  const { clock, renewal, asked, watch } = rig({ maxAge: MINUTE });
  watch();
  clock.advance(56 * SECOND);
  watch();
  expect(clock.pending).toBe(2);
  clock.advance(56 * SECOND);
  await settle();
  expect(asked).toEqual([]);
  clock.advance(1 * SECOND + 1);
  await settle();
  expect(asked.map(([why]) => why)).toEqual([OLD]);
  renewal.stop();
  expect(clock.pending).toBe(0);
});

test("once stopped it asks for nothing and has no timer", async () => {
  const { clock, renewal, host, asked, watch } = rig({ maxAge: MINUTE });
  watch();
  clock.advance(7 * SECOND);
  renewal.stop();
  expect(clock.pending).toBe(0);
  host.network = "192.168.7.5";
  clock.advance(10 * MINUTE);
  await settle();
  expect([asked, clock.pending]).toEqual([[], 0]);
});

test("before anything is watched over, asking and stopping do nothing", () => {
  const { clock, renewal } = rig({ maxAge: MINUTE });
  renewal.ask("nobody listens");
  renewal.stop();
  expect(clock.pending).toBe(0);
});

test.each([
  [0.25, 15_000],
  [0.5, 30_000],
  [0.99, 59_400],
])(
  "what all agents hear at once is followed with jitter: at %d of its range after %d ms",
  async (unit, after) => {
    const { clock, renewal, asked, watch } = rig({ random: jitter(unit) });
    watch();
    renewal.askWithin(MINUTE, "news");
    clock.advance(after - 1);
    await settle();
    expect(asked).toEqual([]);
    clock.advance(1);
    await settle();
    expect(asked).toEqual([["news", after]]);
  },
);

test("a carrier that was replaced meanwhile is not replaced again for the same news", async () => {
  const { clock, renewal, asked, watch } = rig();
  watch();
  renewal.askWithin(MINUTE, "news");
  watch();
  await pass(clock, 2 * MINUTE);
  expect(asked).toEqual([]);
});

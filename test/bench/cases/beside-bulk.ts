/** What somebody who waits for an answer notices of a bulk stream on the same way. */
import { setTimeout as delay } from "node:timers/promises";
import { ECHO, type Exchange, VIEW } from "../exchanges.ts";
import type { ExchangeFigures } from "../load/load.ts";
import type { Way } from "../peers/peer.ts";
import type { Stage } from "../stage.ts";
import { type Case, type Figures, rows } from "./case.ts";

type Direction = "up" | "down";
const DIRECTIONS: readonly Direction[] = ["down", "up"];

/** The queue of a thin line is full by then. */
const LINE_RAMP_SECONDS = 3;
const LOOPBACK_RAMP_SECONDS = 0.2;
/** How much longer bulk runs than what is measured beside it. */
const MARGIN_SECONDS = 0.2;
/** What a way may take to get rid of the queue that bulk has left. */
const SETTLE_LIMIT_MS = 25_000;
/** Some round trips; the first may have to open something. */
const SETTLE_SECONDS = 0.5;

interface Beside extends ExchangeFigures {
  /** Of the bulk stream, Mbit/s. */
  readonly rate: number;
}

/** Exchanges on one kept connection, once bulk has run for a while in one direction. */
async function besideBulk(
  { load }: Stage,
  { target, bulk }: Way,
  plan: { direction: Direction; exchange: Exchange; rampSeconds: number; seconds: number },
): Promise<Beside> {
  const { direction, exchange, rampSeconds, seconds } = plan;
  const stream = { warmSeconds: rampSeconds, seconds: seconds + MARGIN_SECONDS };
  const [rate, figures] = await Promise.all([
    load.stream(direction, bulk, stream),
    delay(rampSeconds * 1000).then(() =>
      load.exchange(target, { exchange, connections: 1, seconds, keep: true }),
    ),
  ]);
  return { ...figures, rate };
}

/** Waits until the line is as quick as when it is empty: some ways leave seconds of bulk behind. */
async function settle({ load, rttMs }: Stage, { target }: Way): Promise<void> {
  const limit = performance.now() + SETTLE_LIMIT_MS;
  const some = { exchange: ECHO, connections: 1, seconds: SETTLE_SECONDS, keep: true };
  while ((await load.exchange(target, some)).p50 > 1.5 * rttMs) {
    if (performance.now() > limit) throw new Error("the line does not come to rest after bulk");
  }
}

export const pingpongUnderBulk: Case = {
  name: "pingpong-under-bulk",
  rows: DIRECTIONS.flatMap((direction) => {
    const name = `pingpong-under-bulk-${direction}`;
    return [...rows("ms", `${name}-p50`, `${name}-p99`), ...rows("Mbit/s", `${name}-rate`)];
  }),
  stage: "loopback",
  warm: true,
  async measure(stage, way, { seconds }) {
    let all: Figures = {};
    for (const direction of DIRECTIONS) {
      const plan = { direction, exchange: ECHO, rampSeconds: LOOPBACK_RAMP_SECONDS, seconds };
      const { p50, p99, rate } = await besideBulk(stage, way, plan);
      const name = `pingpong-under-bulk-${direction}`;
      all = { ...all, [`${name}-p50`]: p50, [`${name}-p99`]: p99, [`${name}-rate`]: rate };
    }
    return all;
  },
};

export const thinLine: Case = {
  name: "thin-line",
  rows: [
    ...rows("ms", "thin-line-idle-p99"),
    ...DIRECTIONS.flatMap((direction) => {
      const name = `thin-line-${direction}`;
      return [...rows("ms", `${name}-p99`), ...rows("x", `${name}-ratio`), ...rows("Mbit/s", `${name}-rate`)];
    }),
  ],
  stage: "thin",
  long: true,
  async measure(stage, way, { lineSeconds: seconds }) {
    const alone = { exchange: VIEW, connections: 1, seconds, keep: true };
    const idle = (await stage.load.exchange(way.target, alone)).p99;
    let all: Figures = { "thin-line-idle-p99": idle };
    for (const direction of DIRECTIONS) {
      const plan = { direction, exchange: VIEW, rampSeconds: LINE_RAMP_SECONDS, seconds };
      const { p99, rate } = await besideBulk(stage, way, plan);
      await settle(stage, way);
      const name = `thin-line-${direction}`;
      all = { ...all, [`${name}-p99`]: p99, [`${name}-ratio`]: p99 / idle, [`${name}-rate`]: rate };
    }
    return all;
  },
};

/** What a tunnel makes of a line with delay. */
import { PAGE, SERVICES } from "../exchanges.ts";
import { type Case, rows } from "./case.ts";

/** Windows have grown by then. */
const RAMP_SECONDS = 2;

export const wanQuery: Case = {
  name: "wan-query",
  rows: [...rows("ms", "wan-query-p50"), ...rows("RTT", "wan-query-rtts")],
  stage: "long",
  async measure({ load, rttMs }, { target }, { lineSeconds: seconds }) {
    const { p50 } = await load.exchange(target, { exchange: PAGE, connections: 1, seconds, keep: false });
    return { "wan-query-p50": p50, "wan-query-rtts": p50 / rttMs };
  },
};

export const wanBulk: Case = {
  name: "wan-bulk",
  rows: rows("Mbit/s", "wan-bulk-down", "wan-bulk-up"),
  stage: "long",
  long: true,
  async measure({ load }, { bulk }, { lineSeconds: seconds }) {
    const plan = { warmSeconds: RAMP_SECONDS, seconds };
    return {
      "wan-bulk-down": await load.stream("down", bulk, plan),
      "wan-bulk-up": await load.stream("up", bulk, plan),
    };
  },
};

export const wireBytes: Case = {
  name: "wire-bytes",
  rows: [...rows("kB", "wire-bytes"), ...rows("x", "wire-bytes-ratio")],
  stage: "thin",
  async measure({ load, wireBytes }, { target }, { seconds }) {
    const before = wireBytes();
    const plan = { exchange: SERVICES, connections: 1, seconds, keep: true };
    const { exchanges } = await load.exchange(target, plan);
    const each = (wireBytes() - before) / exchanges;
    return { "wire-bytes": each / 1000, "wire-bytes-ratio": each / SERVICES.answer.length };
  },
};

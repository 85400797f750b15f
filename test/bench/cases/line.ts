/** What a tunnel makes of a line with delay. */
import { type Exchange, PAGE, SERVICES, SMALL } from "../exchanges.ts";
import { type Case, rows } from "./case.ts";

/** Windows have grown by then. */
const RAMP_SECONDS = 2;

/** An exchange on a new connection of the client, and in how many of the line's round trips it was over. */
function query(name: string, exchange: Exchange): Case {
  return {
    name,
    rows: [...rows("ms", `${name}-p50`), ...rows("RTT", `${name}-rtts`)],
    stage: "long",
    async measure({ load, rttMs }, { target }, { lineSeconds }) {
      const plan = { exchange, connections: 1, seconds: lineSeconds / 2, keep: false };
      const { p50 } = await load.exchange(target, plan);
      return { [`${name}-p50`]: p50, [`${name}-rtts`]: p50 / rttMs };
    },
  };
}

export const wanQuery = query("wan-query", SMALL);
export const wanPage = query("wan-page", PAGE);

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

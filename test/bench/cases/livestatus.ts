/** What the hub's own handling of Livestatus costs, and what it saves. */
import { QUERY, statusProbe } from "../exchanges.ts";
import { type Case, rows } from "./case.ts";

/** Processes of a GUI, each with a connection of its own. */
const CLIENTS = 20;
/** Seconds from one page of a process to its next: 400 pages a second in all. */
const PAUSE = 1 / 20;

export const cachedProbe: Case = {
  name: "cached-probe",
  rows: [
    ...rows("ms", "cached-probe-p50", "cached-probe-p99", "cached-probe-busy-p50"),
    ...rows("1/s", "cached-probe-busy"),
  ],
  stage: "loopback",
  async measure({ load }, { target, livestatus = target }, { seconds }) {
    const each = { connections: CLIENTS, seconds, keep: true };
    const steady = await load.exchange(livestatus, { ...each, exchange: statusProbe(), interval: PAUSE });
    const busy = await load.exchange(livestatus, { ...each, exchange: statusProbe() });
    return {
      "cached-probe-p50": steady.p50,
      "cached-probe-p99": steady.p99,
      "cached-probe-busy-p50": busy.p50,
      "cached-probe-busy": busy.perSecond,
    };
  },
};

export const query: Case = {
  name: "query",
  rows: [...rows("ms", "query-p50", "query-p99"), ...rows("1/s", "query-20")],
  stage: "loopback",
  async measure({ load }, { target, livestatus = target }, { seconds }) {
    const each = { exchange: QUERY, seconds, keep: true };
    const { p50, p99 } = await load.exchange(livestatus, { ...each, connections: 1 });
    const { perSecond } = await load.exchange(livestatus, { ...each, connections: CLIENTS });
    return { "query-p50": p50, "query-p99": p99, "query-20": perSecond };
  },
};

/** What a tunnel costs on one machine. */
import { ECHO, PAGE, QUERY, SERVICES } from "../exchanges.ts";
import { type Case, rows } from "./case.ts";

export function bulk(direction: "up" | "down"): Case {
  const name = `bulk-${direction}`;
  return {
    name,
    rows: rows("Mbit/s", name),
    stage: "loopback",
    measure: async ({ load }, { target }, { mebibytes }) => ({
      [name]: await load.bulk(direction, target, mebibytes),
    }),
  };
}

export const pingpong: Case = {
  name: "pingpong",
  rows: rows("ms", "pingpong-p50", "pingpong-p99"),
  stage: "loopback",
  async measure({ load }, { target }, { seconds }) {
    const { p50, p99 } = await load.exchange(target, { exchange: ECHO, connections: 1, seconds, keep: true });
    return { "pingpong-p50": p50, "pingpong-p99": p99 };
  },
};

export const connect: Case = {
  name: "connect",
  rows: [...rows("ms", "connect-p50", "connect-p99"), ...rows("1/s", "connect-20")],
  stage: "loopback",
  async measure({ load }, { target }, { seconds }) {
    const each = { exchange: PAGE, seconds, keep: false };
    const { p50, p99 } = await load.exchange(target, { ...each, connections: 1 });
    const { perSecond } = await load.exchange(target, { ...each, connections: 20 });
    return { "connect-p50": p50, "connect-p99": p99, "connect-20": perSecond };
  },
};

export const keep32: Case = {
  name: "keep32",
  rows: rows("1/s", "keep32"),
  stage: "loopback",
  async measure({ load }, { target }, { seconds }) {
    const plan = { exchange: QUERY, connections: 32, seconds, keep: true };
    return { keep32: (await load.exchange(target, plan)).perSecond };
  },
};

export const services: Case = {
  name: "services",
  rows: rows("ms", "services"),
  stage: "loopback",
  async measure({ load }, { target }, { seconds }) {
    const plan = { exchange: SERVICES, connections: 1, seconds, keep: true };
    return { services: (await load.exchange(target, plan)).p50 };
  },
};

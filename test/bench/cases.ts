/** What is measured, and how. */
import { setTimeout as delay } from "node:timers/promises";
import { ECHO, PAGE, QUERY, SERVICES } from "./exchanges.ts";
import type { Load } from "./load/load.ts";
import type { Way } from "./peers/peer.ts";
import { processTree, residentMebibytes } from "./procfs.ts";
import type { Running } from "./scope.ts";

export type Unit = "Mbit/s" | "ms" | "1/s" | "MiB";

export interface Row {
  readonly name: string;
  readonly unit: Unit;
}

export const better = (unit: Unit): "higher" | "lower" =>
  unit === "ms" || unit === "MiB" ? "lower" : "higher";

/** How much work one measurement is. */
export interface Effort {
  /** How long a measurement of exchanges lasts. */
  readonly seconds: number;
  /** How much a bulk stream carries. */
  readonly mebibytes: number;
}

/** A figure for each row that this way can have, by the row's name. */
export type Figures = Readonly<Record<string, number>>;

export interface Case {
  readonly name: string;
  readonly rows: readonly Row[];
  /** Taken once, before there has been any load. */
  atRest?(way: Way): Promise<Figures>;
  measure(load: Load, way: Way, effort: Effort): Promise<Figures>;
}

const SAMPLE_MS = 20;

function bulk(direction: "up" | "down"): Case {
  const name = `bulk-${direction}`;
  return {
    name,
    rows: [{ name, unit: "Mbit/s" }],
    measure: async (load, { target }, { mebibytes }) => ({
      [name]: await load.bulk(direction, target, mebibytes),
    }),
  };
}

const pingpong: Case = {
  name: "pingpong",
  rows: [
    { name: "pingpong-p50", unit: "ms" },
    { name: "pingpong-p99", unit: "ms" },
  ],
  async measure(load, { target }, { seconds }) {
    const { p50, p99 } = await load.exchange(target, { exchange: ECHO, connections: 1, seconds, keep: true });
    return { "pingpong-p50": p50, "pingpong-p99": p99 };
  },
};

const connect: Case = {
  name: "connect",
  rows: [
    { name: "connect-p50", unit: "ms" },
    { name: "connect-p99", unit: "ms" },
    { name: "connect-20", unit: "1/s" },
  ],
  async measure(load, { target }, { seconds }) {
    const each = { exchange: PAGE, seconds, keep: false };
    const { p50, p99 } = await load.exchange(target, { ...each, connections: 1 });
    const { perSecond } = await load.exchange(target, { ...each, connections: 20 });
    return { "connect-p50": p50, "connect-p99": p99, "connect-20": perSecond };
  },
};

const keep32: Case = {
  name: "keep32",
  rows: [{ name: "keep32", unit: "1/s" }],
  async measure(load, { target }, { seconds }) {
    const plan = { exchange: QUERY, connections: 32, seconds, keep: true };
    return { keep32: (await load.exchange(target, plan)).perSecond };
  },
};

const services: Case = {
  name: "services",
  rows: [{ name: "services", unit: "ms" }],
  async measure(load, { target }, { seconds }) {
    const plan = { exchange: SERVICES, connections: 1, seconds, keep: true };
    return { services: (await load.exchange(target, plan)).p50 };
  },
};

function memoryOf({ pid }: Running): number {
  return processTree(pid)
    .map(residentMebibytes)
    .reduce((sum, next) => sum + next, 0);
}

const memory: Case = {
  name: "memory",
  rows: ["memory-hub-idle", "memory-hub-load", "memory-agent-idle", "memory-agent-load"].map((name) => ({
    name,
    unit: "MiB",
  })),
  async atRest({ sides }) {
    if (!sides) return {};
    return { "memory-hub-idle": memoryOf(sides.hub), "memory-agent-idle": memoryOf(sides.agent) };
  },
  /** The highest of samples during 32 busy connections beside one bulk stream each way. */
  async measure(load, { target, sides }, { seconds, mebibytes }) {
    if (!sides) return {};
    const ended = Promise.all([
      load.exchange(target, { exchange: QUERY, connections: 32, seconds, keep: true }),
      load.bulk("down", target, mebibytes),
      load.bulk("up", target, mebibytes),
    ]);
    let [hub, agent] = [0, 0];
    const sample = () => {
      hub = Math.max(hub, memoryOf(sides.hub));
      agent = Math.max(agent, memoryOf(sides.agent));
      return "running" as const;
    };
    while (sample() === (await Promise.race([ended, delay(SAMPLE_MS, "running" as const)])));
    return { "memory-hub-load": hub, "memory-agent-load": agent };
  },
};

export const CASES: readonly Case[] = [bulk("up"), bulk("down"), pingpong, connect, keep32, services, memory];

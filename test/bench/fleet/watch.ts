/** A thousand sites behind one hub whose problems somebody watches. */
import type { ProblemPage } from "../../../hub/problems/index.ts";
import { processorMs, residentMebibytes } from "../procfs.ts";
import { TURNS } from "./core.ts";
import { type Fleet, type Processes, startFleet } from "./federate.ts";

export interface Watched {
  /** ms from the moment at which a service is critical at its core until a list at the hub has it. */
  median: number;
  p99: number;
  /** ms of a list of 100 problems, once it is watched. */
  list: number;
  /** Part of one processor that the hub takes, in %. */
  cpu: number;
  /** The same while nobody watches: signs of life, and nothing else. */
  idle: number;
  /** MiB, the highest seen. */
  memory: number;
}

export interface WatchPlan {
  sites: number;
  perProcess: number;
  /** Seconds that are measured. */
  seconds: number;
}

/** ms between two looks at the list: they are not what is measured, and cost the hub as well. */
const LOOK = 250;
/** Of those that have changed since the last look; more than ever do. */
const MOST = 1_000;
/** ms in which the first lists have come, and the first turns gone by. */
const SETTLE = 10_000;

export async function watchFleet(processes: Processes, plan: WatchPlan): Promise<Watched> {
  const fleet = await startFleet(processes, plan);
  const idle = await share(fleet, async () => void (await Bun.sleep(plan.seconds * 500)));
  const seen = new Set<string>();
  await look(fleet, seen, SETTLE);
  const latencies: number[] = [];
  const lists: number[] = [];
  let memory = 0;
  const cpu = await share(fleet, async () => {
    const until = performance.now() + plan.seconds * 1_000;
    while (performance.now() < until) {
      latencies.push(...(await look(fleet, seen)));
      const from = performance.now();
      await list(fleet, "limit=100&handled=false");
      lists.push(performance.now() - from);
      memory = Math.max(memory, residentMebibytes(fleet.hub));
      await Bun.sleep(LOOK);
    }
  });
  return { median: at(latencies, 0.5), p99: at(latencies, 0.99), list: at(lists, 0.5), cpu, idle, memory };
}

/** ms of each service that is on the list for the first time; for `ms` it looks again and again. */
async function look(fleet: Fleet, seen: Set<string>, ms = 0): Promise<number[]> {
  const latencies: number[] = [];
  const until = performance.now() + ms;
  do {
    const { problems } = await list(fleet, `text=${TURNS}&sort=since&descending=true&limit=${MOST}`);
    const now = Date.now();
    for (const { id, output } of problems) {
      const key = `${id} ${output}`;
      if (!seen.has(key)) latencies.push(now - Number(output.slice("since ".length)));
      seen.add(key);
    }
    if (ms > 0) await Bun.sleep(LOOK);
  } while (performance.now() < until);
  return latencies;
}

async function list({ admin }: Fleet, query: string): Promise<ProblemPage> {
  return (await (await fetch(`http://hub/problems?${query}`, { unix: admin })).json()) as ProblemPage;
}

/** % of one processor meanwhile. */
async function share({ hub }: Fleet, work: () => Promise<void>): Promise<number> {
  const [from, before] = [performance.now(), processorMs(hub)];
  await work();
  return (100 * (processorMs(hub) - before)) / (performance.now() - from);
}

function at(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}

/** What the programs of each side hold. */
import { setTimeout as delay } from "node:timers/promises";
import { QUERY } from "../exchanges.ts";
import { processTree, residentMebibytes } from "../procfs.ts";
import type { Running } from "../scope.ts";
import { type Case, rows } from "./case.ts";

const SAMPLE_MS = 20;

function memoryOf({ pid }: Running): number {
  return processTree(pid)
    .map(residentMebibytes)
    .reduce((sum, next) => sum + next, 0);
}

export const memory: Case = {
  name: "memory",
  rows: rows(
    "MiB",
    ...["idle", "after", "load"].flatMap((when) => [`memory-hub-${when}`, `memory-agent-${when}`]),
  ),
  stage: "loopback",
  warm: true,
  async atRest({ sides }) {
    if (!sides) return {};
    return { "memory-hub-idle": memoryOf(sides.hub), "memory-agent-idle": memoryOf(sides.agent) };
  },
  /**
   * What is left of a bulk stream after a rest; then the highest of samples during 32 busy connections beside one
   * bulk stream each way.
   */
  async measure({ load }, { target, sides }, { seconds, mebibytes, restSeconds }) {
    if (!sides) return {};
    await load.bulk("down", target, mebibytes);
    await delay(restSeconds * 1000);
    const after = { "memory-hub-after": memoryOf(sides.hub), "memory-agent-after": memoryOf(sides.agent) };
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
    return { ...after, "memory-hub-load": hub, "memory-agent-load": agent };
  },
};

/** An upload to a site's web server through the service that understands HTTP, and who asks the core meanwhile. */
import { setTimeout as delay } from "node:timers/promises";
import { QUERY } from "../exchanges.ts";
import { processTree, residentMebibytes } from "../procfs.ts";
import type { Running } from "../scope.ts";
import { type Case, rows } from "./case.ts";

/** The config sync of a large site. */
const MEBIBYTES = 300;
const SAMPLE_MS = 10;
/** How long the core is asked: less than the upload takes. */
const SECONDS = 0.5;

function memoryOf({ pid }: Running): number {
  return processTree(pid)
    .map(residentMebibytes)
    .reduce((sum, next) => sum + next, 0);
}

export const upload: Case = {
  name: "upload",
  rows: [
    ...rows("Mbit/s", "upload-rate", "upload-raw-rate"),
    ...rows("MiB", "upload-hub-growth", "upload-agent-growth"),
    ...rows("ms", "upload-query-p50", "upload-query-p99"),
  ],
  stage: "loopback",
  warm: true,
  // the others cannot tell HTTP from bytes
  only: "farsite",
  async measure({ load }, { target, web, sides }) {
    if (!web || !sides) return {};
    const before = { hub: memoryOf(sides.hub), agent: memoryOf(sides.agent) };
    const most = { ...before };
    const sending = load.upload(web, MEBIBYTES);
    const asking = load.exchange(target, { exchange: QUERY, connections: 1, seconds: SECONDS, keep: true });
    const ended = Promise.all([sending, asking]);
    const sample = () => {
      for (const side of ["hub", "agent"] as const) most[side] = Math.max(most[side], memoryOf(sides[side]));
      return "running" as const;
    };
    while (sample() === (await Promise.race([ended, delay(SAMPLE_MS, "running" as const)])));
    const [, { p50, p99 }] = await ended;
    // alone, one after the other: what understanding HTTP costs
    const [raw, rate] = [await load.upload(web, MEBIBYTES, "raw"), await load.upload(web, MEBIBYTES)];
    return {
      "upload-rate": rate,
      "upload-raw-rate": raw,
      "upload-hub-growth": most.hub - before.hub,
      "upload-agent-growth": most.agent - before.agent,
      "upload-query-p50": p50,
      "upload-query-p99": p99,
    };
  },
};

/** The problems of a thousand sites, watched. */
import { watchFleet } from "../fleet/watch.ts";
import { Scope } from "../scope.ts";
import { type Case, rows } from "./case.ts";

const SITES = 1000;
const SITES_PER_PROCESS = 100;
const SECONDS = 30;
const NAME = `watch-${SITES}`;

export const watched: Case = {
  name: NAME,
  rows: [
    ...rows("ms", `${NAME}-appears-p50`, `${NAME}-appears-p99`, `${NAME}-list`),
    ...rows("%", `${NAME}-cpu`, `${NAME}-idle-cpu`),
    ...rows("MiB", `${NAME}-memory`),
  ],
  stage: "loopback",
  long: true,
  warm: true,
  // as federate-1000
  only: "farsite",
  rounds: 1,
  async measure() {
    const scope = new Scope();
    try {
      const plan = { sites: SITES, perProcess: SITES_PER_PROCESS, seconds: SECONDS };
      const { median, p99, list, cpu, idle, memory } = await watchFleet(scope, plan);
      return {
        [`${NAME}-appears-p50`]: median,
        [`${NAME}-appears-p99`]: p99,
        [`${NAME}-list`]: list,
        [`${NAME}-cpu`]: cpu,
        [`${NAME}-idle-cpu`]: idle,
        [`${NAME}-memory`]: memory,
      };
    } finally {
      await scope.end();
    }
  },
};

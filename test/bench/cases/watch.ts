/** The problems of a thousand sites, watched. */
import { watchFleet } from "../fleet/watch.ts";
import { rows } from "./case.ts";
import { FLEET, fleetCase } from "./fleet.ts";

const SECONDS = 30;
const NAME = `watch-${FLEET.sites}`;

export const watched = fleetCase(
  NAME,
  [
    ...rows("ms", `${NAME}-appears-p50`, `${NAME}-appears-p99`, `${NAME}-list`),
    ...rows("%", `${NAME}-cpu`, `${NAME}-idle-cpu`),
    ...rows("MiB", `${NAME}-memory`),
  ],
  async (scope) => {
    const plan = { ...FLEET, seconds: SECONDS };
    const { median, p99, list, cpu, idle, memory } = await watchFleet(scope, plan);
    return {
      [`${NAME}-appears-p50`]: median,
      [`${NAME}-appears-p99`]: p99,
      [`${NAME}-list`]: list,
      [`${NAME}-cpu`]: cpu,
      [`${NAME}-idle-cpu`]: idle,
      [`${NAME}-memory`]: memory,
    };
  },
);

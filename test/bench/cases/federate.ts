/** One query over a thousand sites, at the hub's endpoint for all of them. */
import { federate } from "../fleet/federate.ts";
import { rows } from "./case.ts";
import { FLEET, fleetCase } from "./fleet.ts";

const QUERIES = 30;
const NAME = `federate-${FLEET.sites}`;

export const federated = fleetCase(
  NAME,
  [
    ...rows("ms", `${NAME}-p50`, `${NAME}-p99`, `${NAME}-cpu`),
    ...rows("MiB", `${NAME}-memory`),
    ...rows("ms", `${NAME}-third-gone-p50`),
  ],
  async (scope) => {
    const { all, twoThirds } = await federate(scope, {
      ...FLEET,
      queries: QUERIES,
    });
    return {
      [`${NAME}-p50`]: all.median,
      [`${NAME}-p99`]: all.p99,
      [`${NAME}-cpu`]: all.cpu,
      [`${NAME}-memory`]: all.memory,
      [`${NAME}-third-gone-p50`]: twoThirds.median,
    };
  },
);

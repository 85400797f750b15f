/** One query over a thousand sites, at the hub's endpoint for all of them. */
import { federate } from "../fleet/federate.ts";
import { Scope } from "../scope.ts";
import { type Case, rows } from "./case.ts";

const SITES = 1000;
const SITES_PER_PROCESS = 100;
const QUERIES = 30;
const NAME = `federate-${SITES}`;

export const federated: Case = {
  name: NAME,
  rows: [
    ...rows("ms", `${NAME}-p50`, `${NAME}-p99`, `${NAME}-cpu`),
    ...rows("MiB", `${NAME}-memory`),
    ...rows("ms", `${NAME}-third-gone-p50`),
  ],
  stage: "loopback",
  long: true,
  warm: true,
  // nothing else can be asked so, and the hub is another one than that of the other cases
  only: "farsite",
  rounds: 1,
  async measure() {
    const scope = new Scope();
    try {
      const { all, twoThirds } = await federate(scope, {
        sites: SITES,
        perProcess: SITES_PER_PROCESS,
        queries: QUERIES,
      });
      return {
        [`${NAME}-p50`]: all.median,
        [`${NAME}-p99`]: all.p99,
        [`${NAME}-cpu`]: all.cpu,
        [`${NAME}-memory`]: all.memory,
        [`${NAME}-third-gone-p50`]: twoThirds.median,
      };
    } finally {
      await scope.end();
    }
  },
};

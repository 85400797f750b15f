/** The overview of a thousand sites in a browser. */
import { watchOverview } from "../fleet/web.ts";
import { Scope } from "../scope.ts";
import { type Case, rows } from "./case.ts";

const SITES = 1000;
const SITES_PER_PROCESS = 100;
const TIMES = 15;
const SECONDS = 30;
const NAME = `web-${SITES}`;

export const overview: Case = {
  name: NAME,
  rows: [
    ...rows("ms", `${NAME}-first-byte`, `${NAME}-whole`, `${NAME}-paint`),
    ...rows("kB", `${NAME}-size`),
    ...rows("1/s", `${NAME}-updates`),
    ...rows("%", `${NAME}-browser`, `${NAME}-hub-cpu`),
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
      const plan = { sites: SITES, perProcess: SITES_PER_PROCESS, times: TIMES, seconds: SECONDS };
      const told = await watchOverview(scope, plan);
      return {
        [`${NAME}-first-byte`]: told.firstByte,
        [`${NAME}-whole`]: told.whole,
        [`${NAME}-paint`]: told.paint,
        [`${NAME}-size`]: told.size,
        [`${NAME}-updates`]: told.updates,
        [`${NAME}-browser`]: told.browser,
        [`${NAME}-hub-cpu`]: told.hub,
      };
    } finally {
      await scope.end();
    }
  },
};

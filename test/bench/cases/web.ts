/** The overview of a thousand sites in a browser. */
import { watchOverview } from "../fleet/web.ts";
import { rows } from "./case.ts";
import { FLEET, fleetCase } from "./fleet.ts";

const TIMES = 15;
const SECONDS = 30;
const NAME = `web-${FLEET.sites}`;

export const overview = fleetCase(
  NAME,
  [
    ...rows("ms", `${NAME}-first-byte`, `${NAME}-whole`, `${NAME}-paint`),
    ...rows("kB", `${NAME}-size`),
    ...rows("1/s", `${NAME}-updates`),
    ...rows("%", `${NAME}-browser`, `${NAME}-hub-cpu`),
  ],
  async (scope) => {
    const plan = { ...FLEET, times: TIMES, seconds: SECONDS };
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
  },
);

/** What a core that hangs costs those who look at all sites. */
import { Scope } from "../scope.ts";
import { Sites, type Stopped } from "../sites/stopped.ts";
import { type Case, rows } from "./case.ts";

const NAME = "stopped-core";
/** How often it is stopped: the agent's next question comes sooner or later. */
const TIMES = 5;

export const stoppedCore: Case = {
  name: NAME,
  rows: rows("ms", `${NAME}-known`, `${NAME}-page`, `${NAME}-first-page`, `${NAME}-later-page`),
  stage: "loopback",
  long: true,
  warm: true,
  // the others do not know that a core hangs
  only: "farsite",
  rounds: 1,
  async measure(stage) {
    const scope = new Scope();
    try {
      const sites = await Sites.start(stage, scope);
      const found: Stopped[] = [];
      for (let count = 0; count < TIMES; count++) found.push(await sites.stop());
      const longest = (of: keyof Stopped) => Math.max(...found.map((each) => each[of]));
      return {
        [`${NAME}-known`]: longest("known"),
        [`${NAME}-page`]: longest("page"),
        [`${NAME}-first-page`]: longest("first"),
        [`${NAME}-later-page`]: longest("after"),
      };
    } finally {
      await scope.end();
    }
  },
};

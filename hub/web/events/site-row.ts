/** Makes the rows of the overview of what the hub says of its sites. */

import { printable } from "../../../common/text.ts";
import type { SeenSite } from "../../access/index.ts";
import type { SiteSpark } from "../../history/index.ts";
import { count, type SiteRow, SPARK_STEPS } from "../view/index.ts";

/** UTF-16 units of a release: it is what the agent says. */
const LONGEST_RELEASE = 24;

/** @param spark what was of late; undefined: not known */
export function siteRow(site: SeenSite, spark?: SiteSpark): SiteRow {
  const { livestatus, inbox, agent, rtt, carrier } = site;
  const received = latest(spark?.received);
  const sent = latest(spark?.sent);
  const problem = inbox.find((box) => box.problem !== undefined)?.problem;
  return {
    tenant: site.tenant,
    site: site.site,
    state: livestatus.state,
    since: livestatus.since,
    why: whyOf(site),
    ...(rtt !== undefined && { rtt }),
    ...(spark && { spark: spark.rtt.slice(-SPARK_STEPS).map((value) => value ?? undefined) }),
    ...(received !== undefined && { received }),
    ...(sent !== undefined && { sent }),
    queue: inbox.reduce((sum, { waiting }) => sum + waiting, 0),
    ...(problem !== undefined && { queueProblem: problem }),
    ...(agent && { version: printable(agent.version, LONGEST_RELEASE) }),
    ...(carrier !== undefined && { carrier }),
    outdated: site.update === true,
    never: site.state === "never",
  };
}

/** The last value that was measured, of the last two steps: the last one may have just begun. */
function latest(values: readonly (number | null)[] = []): number | undefined {
  return values.at(-1) ?? values.at(-2) ?? undefined;
}

/** Why it is not online; else what its core is and how much it watches. */
function whyOf({ livestatus: { reason, cause, core } }: SeenSite): string {
  if (reason !== undefined) return cause === undefined ? reason : `${cause}: ${reason}`;
  if (!core) return "";
  const watched = [
    core.hosts !== undefined && `${count(core.hosts)} hosts`,
    core.services !== undefined && `${count(core.services)} services`,
  ].filter((part) => part !== false);
  return [core.program, ...watched].filter((part) => part !== "").join(", ");
}

/** What of all problems somebody wants to see: filtered, sorted, a page of it. */

import { countsOf } from "./board.ts";
import type { ProblemFilter, ProblemPage, SortKey } from "./interface.ts";
import { type Problem, STATES } from "./problem.ts";

const USUAL_LIMIT = 100;
export const MOST_ON_A_PAGE = 1_000;

/** From what is least to what is most: mild to severe, old to new, A to Z. */
const ORDERS: Record<SortKey, (a: Problem, b: Problem) => number> = {
  severity: (a, b) => STATES.indexOf(b.state) - STATES.indexOf(a.state) || a.since - b.since,
  since: (a, b) => a.since - b.since,
  site: (a, b) => compare(a.tenant, b.tenant) || compare(a.site, b.site) || ORDERS.host(a, b),
  host: (a, b) => compare(a.host, b.host) || compare(a.service ?? "", b.service ?? ""),
  service: (a, b) => compare(a.service ?? "", b.service ?? "") || compare(a.host, b.host),
};

export function pageOf(
  problems: readonly Problem[],
  filter: ProblemFilter,
): Pick<ProblemPage, "problems" | "total" | "offset" | "counts"> {
  const { states, sort = "severity", offset = 0, limit = USUAL_LIMIT } = filter;
  const { descending = sort === "severity" } = filter;
  const met = problems.filter(testOf(filter));
  const shown = states ? met.filter(({ state }) => states.includes(state)) : met;
  const order = ORDERS[sort];
  const sign = descending ? -1 : 1;
  shown.sort((a, b) => sign * order(a, b) || compare(a.id, b.id));
  return {
    problems: shown.slice(offset, offset + Math.min(limit, MOST_ON_A_PAGE)),
    total: shown.length,
    offset,
    counts: countsOf(met),
  };
}

function testOf({ tenant, site, handled, kind, hard, text }: ProblemFilter): (problem: Problem) => boolean {
  const wanted = text?.toLowerCase() ?? "";
  return (problem) =>
    (tenant === undefined || problem.tenant === tenant) &&
    (site === undefined || problem.site === site) &&
    (handled === undefined || problem.handled === handled) &&
    (kind === undefined || (problem.service === undefined) === (kind === "host")) &&
    (hard === undefined || problem.hard === hard) &&
    (wanted === "" || textOf(problem).includes(wanted));
}

function textOf({ tenant, site, host, service = "", output }: Problem): string {
  return `${tenant}/${site}\n${host}\n${service}\n${output}`.toLowerCase();
}

/** Code units: the same for everybody, and quick. */
function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** Which problems a reader chose, as the address of the page has it. */
import { z } from "zod";
import { type ProblemFilter, STATES } from "../../../problems/index.ts";

/** UTF-16 units of a search or a name. */
const LONGEST = 200;
/** Problems on one page. */
export const PAGE = 100;
const MOST_OFFSET = 1_000_000;

export const problemChoice = z.object({
  q: z.string().max(LONGEST).default(""),
  tenant: z.string().max(LONGEST).default(""),
  site: z.string().max(LONGEST).default(""),
  state: z.enum(["", ...STATES]).default(""),
  handled: z.enum(["no", "yes", "all"]).default("no"),
  kind: z.enum(["", "host", "service"]).default(""),
  sort: z.enum(["severity", "since", "site", "host", "service"]).default("severity"),
  dir: z.enum(["up", "down"]).default("up"),
  from: z.coerce.number().int().min(0).max(MOST_OFFSET).default(0),
});
export type ProblemChoice = z.output<typeof problemChoice>;

export function problemFilter(choice: ProblemChoice): ProblemFilter {
  const { q, tenant, site, state, handled, kind, sort, dir, from } = choice;
  return {
    ...(q.trim() !== "" && { text: q.trim() }),
    ...(tenant !== "" && { tenant }),
    ...(site !== "" && { site }),
    ...(state !== "" && { states: [state] }),
    ...(handled !== "all" && { handled: handled === "yes" }),
    ...(kind !== "" && { kind }),
    sort,
    // first the worst, and the newest; names from A to Z
    descending: (sort === "severity" || sort === "since") === (dir === "up"),
    offset: from,
    limit: PAGE,
  };
}

/** The address with some choices made differently; what is as by default is left out. */
export function problemPath(choice: ProblemChoice, changes: Partial<ProblemChoice> = {}): string {
  const usual = problemChoice.parse({});
  const wanted = { ...choice, from: 0, ...changes };
  const parameters = new URLSearchParams();
  for (const name of Object.keys(usual) as (keyof ProblemChoice)[]) {
    if (wanted[name] !== usual[name]) parameters.set(name, String(wanted[name]));
  }
  const query = parameters.toString();
  return query === "" ? "/problems" : `/problems?${query}`;
}

/** What a reader of the overview chose, as the address of the page has it. */
import { z } from "zod";
import { SHOWS, SITE_COLUMNS } from "../../view/index.ts";

/** UTF-16 units of a search. */
const LONGEST_SEARCH = 200;

export const overviewChoice = z.object({
  q: z.string().max(LONGEST_SEARCH).default(""),
  tenant: z.string().max(LONGEST_SEARCH).default(""),
  show: z.enum(SHOWS).default("all"),
  sort: z.enum(SITE_COLUMNS).default("state"),
  dir: z.enum(["up", "down"]).default("up"),
  group: z.enum(["tenant", "none"]).default("tenant"),
});
export type OverviewChoice = z.output<typeof overviewChoice>;

/** The address with some choices made differently; what is as by default is left out. */
export function overviewPath(choice: OverviewChoice, changes: Partial<OverviewChoice> = {}): string {
  const usual = overviewChoice.parse({});
  const wanted = { ...choice, ...changes };
  const parameters = new URLSearchParams();
  for (const name of Object.keys(usual) as (keyof OverviewChoice)[]) {
    if (wanted[name] !== usual[name]) parameters.set(name, wanted[name]);
  }
  const query = parameters.toString();
  return query === "" ? "/" : `/?${query}`;
}

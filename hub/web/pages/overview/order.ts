/** Puts the overview's sites in order, in groups. The browser's script does the same with what it finds in the page. */
import { isFound, isShown, SITE_CELLS, type SiteRow, siteOrder } from "../../view/index.ts";
import type { OverviewChoice } from "./choice.ts";

export interface Group {
  /** Undefined: sites of all tenants together. */
  tenant: string | undefined;
  rows: SiteRow[];
}

export function groupsOf(rows: readonly SiteRow[], choice: OverviewChoice, now: number): Group[] {
  const sorted = rows.toSorted(comparison(choice, now));
  if (choice.group === "none") return [{ tenant: undefined, rows: sorted }];
  const groups = [...Map.groupBy(sorted, ({ tenant }) => tenant)].map(([tenant, of]) => ({
    tenant,
    rows: of,
  }));
  return choice.sort === "state" ? groups.sort((a, b) => byWorst(a, b) || byName(a, b)) : groups.sort(byName);
}

/** Whether a row is shown, with everything that it says. */
export function isChosen(row: SiteRow, { show, tenant, q }: OverviewChoice): boolean {
  if (tenant !== "" && row.tenant !== tenant) return false;
  return (
    isShown(show, row) &&
    (q === "" || isFound(q, `${row.tenant}/${row.site} ${row.state} ${row.why} ${row.version ?? ""}`))
  );
}

function comparison({ sort, dir }: OverviewChoice, now: number): (a: SiteRow, b: SiteRow) => number {
  const sign = dir === "up" ? 1 : -1;
  return (a, b) => {
    const [left, right] = [SITE_CELLS[sort](a, now), SITE_CELLS[sort](b, now)];
    const difference =
      left.order === undefined || right.order === undefined
        ? compareText(left.text, right.text)
        : left.order - right.order;
    return sign * difference || siteOrder(a.state) - siteOrder(b.state) || byNames(a, b);
  };
}

function byNames(a: SiteRow, b: SiteRow): number {
  return compareText(a.tenant, b.tenant) || compareText(a.site, b.site);
}

/** What is wrong comes first, whichever way the states are sorted within. */
function byWorst(a: Group, b: Group): number {
  return worstOf(a) - worstOf(b);
}

function worstOf({ rows }: Group): number {
  return Math.min(...rows.map(({ state }) => siteOrder(state)));
}

function byName(a: Group, b: Group): number {
  return compareText(a.tenant ?? "", b.tenant ?? "");
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

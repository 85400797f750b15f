/** Puts the rows of one body in order, as the hub would: by the column, then the worst first, then by name. */
import { type SiteWord, siteOrder, staying } from "../../view/index.ts";

interface Sortable {
  row: HTMLElement;
  order: number | undefined;
  text: string;
  state: number;
  key: string;
}

export function sortRows(body: HTMLElement, column: string, descending: boolean): void {
  const rows = [...body.querySelectorAll<HTMLElement>("tr[data-key]")];
  const sign = descending ? -1 : 1;
  const sorted = rows
    .map((row): Sortable => {
      const cell = row.querySelector<HTMLElement>(`.c-${column}`);
      return {
        row,
        order: cell?.dataset.order === undefined ? undefined : Number(cell.dataset.order),
        text: cell?.textContent ?? "",
        state: siteOrder(row.dataset.state as SiteWord),
        key: row.dataset.key ?? "",
      };
    })
    .sort((a, b) => sign * compare(a, b) || a.state - b.state || compareText(a.key, b.key));
  settle(
    body,
    rows,
    sorted.map(({ row }) => row),
  );
}

/** Puts the tenants in order: by name, or those first in which something is wrong. */
export function sortBodies(table: HTMLTableElement, worstFirst: boolean): void {
  const bodies = [...table.tBodies];
  const sorted = bodies
    .map((body) => ({ body, name: body.dataset.tenant ?? "", worst: worstFirst ? worstOf(body) : 0 }))
    .sort((a, b) => a.worst - b.worst || compareText(a.name, b.name));
  settle(
    table,
    bodies,
    sorted.map(({ body }) => body),
  );
}

function worstOf(body: HTMLElement): number {
  const rows = [...body.querySelectorAll<HTMLElement>("tr[data-key]")];
  return Math.min(...rows.map((row) => siteOrder(row.dataset.state as SiteWord)));
}

/** Moves as few as can be: what is moved is laid out anew. `present` are the last of the parent's children. */
function settle(parent: Element, present: readonly Element[], wanted: readonly Element[]): void {
  const places = new Map(wanted.map((element, place) => [element, place]));
  const stay = staying(present.map((element) => places.get(element) ?? 0));
  if (stay.size === wanted.length) return;
  let next: Element | null = null;
  for (let place = wanted.length - 1; place >= 0; place--) {
    const element = wanted[place] as Element;
    if (!stay.has(place)) parent.insertBefore(element, next);
    next = element;
  }
}

function compare(a: Sortable, b: Sortable): number {
  return a.order === undefined || b.order === undefined ? compareText(a.text, b.text) : a.order - b.order;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

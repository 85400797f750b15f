/** The overview's table: takes over what the hub tells, and shows, hides and sorts without asking the hub. */

import type { SiteRow } from "../../view/index.ts";
import { count, isFound, isShown, keyOf, SHOWS, type Show, type SiteWord } from "../../view/index.ts";
import type { SitesChange } from "../live/index.ts";
import { markRow, patchRow } from "./patch.ts";
import { sortBodies, sortRows } from "./sort.ts";

export class SitesTable {
  readonly #root: HTMLElement;
  readonly #refresh: () => void;
  #rows = new Map<string, HTMLElement>();
  #texts = new WeakMap<HTMLElement, string>();
  #pending = new Map<string, SiteRow>();
  #drawing = false;
  /** The order is not what it should be, while the pointer or the focus is in the table. */
  #unsorted = false;
  #arranging: ReturnType<typeof setTimeout> | undefined;

  constructor(root: HTMLElement, refresh: () => void) {
    this.#root = root;
    this.#refresh = refresh;
    this.#find();
    document.addEventListener("refreshed", () => {
      this.#find();
      this.#choose();
    });
    root.addEventListener("input", (event) => {
      if (event.target instanceof Element && event.target.matches("#search, #tenant")) this.#chosen();
    });
    root.addEventListener("change", (event) => {
      if (event.target instanceof HTMLSelectElement && event.target.id === "group")
        event.target.form?.requestSubmit();
    });
    root.addEventListener("submit", (event) => {
      if (document.activeElement?.id !== "search") return;
      event.preventDefault();
      this.#chosen();
    });
    root.addEventListener("click", (event) => this.#clicked(event));
    root.addEventListener("pointerleave", () => this.#sortWhenFree());
    root.addEventListener("focusout", () => this.#sortWhenFree());
  }

  change({ rows, gone }: SitesChange): void {
    if (gone.some((key) => this.#rows.has(key)) || rows.some((row) => !this.#rows.has(keyOf(row))))
      this.#refresh();
    for (const row of rows) this.#pending.set(keyOf(row), row);
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => this.#draw());
  }

  #draw(): void {
    this.#drawing = false;
    const now = Date.now();
    const turned: HTMLElement[] = [];
    for (const [key, row] of this.#pending) {
      const element = this.#rows.get(key);
      if (!element) continue;
      this.#texts.delete(element);
      if (patchRow(element, row, now)) turned.push(element);
    }
    this.#pending.clear();
    if (turned.length === 0) return;
    if (turned.length <= MOST_MARKED) for (const element of turned) markRow(element);
    this.#unsorted = true;
    // all rows are looked at: not more often than somebody can read
    this.#arranging ??= setTimeout(() => this.#arrange(), ARRANGE);
  }

  #arrange(): void {
    this.#arranging = undefined;
    this.#choose();
    this.#sortWhenFree();
  }

  #find(): void {
    const rows = [...this.#root.querySelectorAll<HTMLElement>("tr[data-key]")];
    this.#rows = new Map(rows.map((row) => [row.dataset.key ?? "", row]));
    this.#texts = new WeakMap();
  }

  #value(name: string): string {
    const field = this.#root.querySelector<HTMLInputElement | HTMLSelectElement>(`.tools [name="${name}"]`);
    return field?.value ?? "";
  }

  #set(name: string, value: string): void {
    const field = this.#root.querySelector<HTMLInputElement>(`.tools [name="${name}"]`);
    if (field) field.value = value;
  }

  /** The reader has chosen something else: the address says so, too, for whoever it is sent to. */
  #chosen(): void {
    const url = new URL(location.href);
    for (const name of ["q", "tenant", "show", "sort", "dir"]) {
      const value = this.#value(name);
      if (value === "" || value === USUAL[name]) url.searchParams.delete(name);
      else url.searchParams.set(name, value);
    }
    history.replaceState(null, "", url);
    for (const link of this.#root.querySelectorAll<HTMLAnchorElement>("a[data-show], a[data-sort]")) {
      const own = new URL(url);
      if (link.dataset.show !== undefined) own.searchParams.set("show", link.dataset.show);
      link.href = own.pathname + own.search;
    }
    this.#choose();
  }

  #choose(): void {
    const [q, tenant, show] = [this.#value("q").trim(), this.#value("tenant"), this.#value("show") as Show];
    const counts = new Map<Show, number>(SHOWS.map((each) => [each, 0]));
    let shown = 0;
    const filled = new Set<Element | null>();
    for (const [key, row] of this.#rows) {
      const judged = {
        state: row.dataset.state as SiteWord,
        outdated: row.dataset.outdated !== undefined,
        never: row.dataset.never !== undefined,
      };
      const ofTenant = tenant === "" || key.startsWith(`${tenant}/`);
      if (ofTenant)
        for (const each of SHOWS) if (isShown(each, judged)) counts.set(each, (counts.get(each) ?? 0) + 1);
      const wanted = ofTenant && isShown(show, judged) && (q === "" || isFound(q, this.#text(key, row)));
      if (row.hidden === wanted) row.hidden = !wanted;
      if (!wanted) continue;
      shown++;
      filled.add(row.parentElement);
    }
    for (const body of this.#root.querySelectorAll<HTMLElement>("tbody")) {
      const empty = !filled.has(body);
      if (body.hidden !== empty) body.hidden = empty;
    }
    this.#tell(counts, show, shown);
  }

  #tell(counts: ReadonlyMap<Show, number>, chosen: Show, shown: number): void {
    for (const link of this.#root.querySelectorAll<HTMLElement>("a[data-show]")) {
      const show = link.dataset.show as Show;
      const number = counts.get(show) ?? 0;
      const figure = link.querySelector("b");
      if (figure && figure.textContent !== count(number)) figure.textContent = count(number);
      link.hidden = number === 0 && show !== "all" && show !== "trouble" && show !== chosen;
      if (show === chosen) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    const output = this.#root.querySelector("#chosen");
    const text = shown === this.#rows.size ? "" : `${count(shown)} of ${count(this.#rows.size)} shown`;
    if (output && output.textContent !== text) output.textContent = text;
  }

  #text(key: string, row: HTMLElement): string {
    const known = this.#texts.get(row);
    if (known !== undefined) return known;
    const text = `${key} ${row.dataset.state} ${row.querySelector(".c-why")?.textContent} ${row.querySelector(".c-agent")?.textContent}`;
    this.#texts.set(row, text);
    return text;
  }

  #clicked(event: MouseEvent): void {
    const link =
      event.target instanceof Element
        ? event.target.closest<HTMLElement>("a[data-show], a[data-sort]")
        : null;
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    const { show, sort } = link.dataset;
    if (show !== undefined) this.#set("show", show);
    if (sort !== undefined) {
      this.#set("dir", this.#value("sort") === sort && this.#value("dir") === "up" ? "down" : "up");
      this.#set("sort", sort);
      for (const title of this.#root.querySelectorAll("th[aria-sort]")) title.removeAttribute("aria-sort");
      link.closest("th")?.setAttribute("aria-sort", this.#value("dir") === "up" ? "ascending" : "descending");
      this.#sort();
    }
    this.#chosen();
  }

  /** What somebody points at must not run away. */
  #sortWhenFree(): void {
    if (!this.#unsorted || this.#root.querySelector("table:is(:hover, :focus-within)")) return;
    this.#sort();
  }

  #sort(): void {
    this.#unsorted = false;
    const [column, descending] = [this.#value("sort"), this.#value("dir") === "down"];
    for (const body of this.#root.querySelectorAll("tbody")) sortRows(body, column, descending);
    const table = this.#root.querySelector("table");
    if (table && this.#root.dataset.group === "tenant") sortBodies(table, column === "state");
  }
}

/** ms from a change of a state until the rows are counted, chosen and sorted anew. */
const ARRANGE = 500;
/** Rows that draw the eye at once: when everything changes, nothing need. */
const MOST_MARKED = 8;
/** What the address need not say. */
const USUAL: Readonly<Record<string, string>> = { show: "all", sort: "state", dir: "up" };

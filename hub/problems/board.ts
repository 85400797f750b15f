/** What all sites have said: their problems, which sites are missing, and how many of each there are. */

import type { GatedSite } from "../livestatus/index.ts";
import type { Counts, MissingSite, Tenants } from "./interface.ts";
import { type Problem, STATES } from "./problem.ts";
import { TABLES, type Table } from "./questions.ts";

/** What is different at one site. */
export interface Difference {
  site: GatedSite;
  appeared: Problem[];
  changed: Problem[];
  gone: Problem[];
}

export interface BoardOptions {
  /** Problems that are held of all sites together. */
  most: number;
  changed: (difference: Difference) => void;
  /** A site is missing now, for this reason, or is there again. */
  missing: (site: GatedSite, missing: MissingSite | undefined) => void;
}

interface Held {
  problems: ReadonlyMap<string, Problem>;
  /** Those that are not held. */
  more: number;
}

export interface Entry {
  site: GatedSite;
  held: Record<Table, Held>;
  unhandled: Counts;
  missing: MissingSite | undefined;
  /** ms since the epoch when it was last heard; undefined: nothing is known of it yet. */
  asOf: number | undefined;
}

const NOTHING: Held = { problems: new Map(), more: 0 };

export class Board {
  readonly #options: BoardOptions;
  readonly #entries = new Map<number, Entry>();
  #count = 0;

  constructor(options: BoardOptions) {
    this.#options = options;
  }

  add(site: GatedSite): void {
    this.#entries.set(site.id, {
      site,
      held: { hosts: NOTHING, services: NOTHING },
      unhandled: countsOf([]),
      missing: undefined,
      asOf: undefined,
    });
  }

  /** Those that may be seen. */
  entries(tenants: Tenants): Entry[] {
    const all = [...this.#entries.values()];
    return tenants === "all" ? all : all.filter(({ site }) => tenants.includes(site.tenant));
  }

  /** A site has told all problems of a table. */
  take(siteId: number, table: Table, problems: readonly Problem[], more: number): void {
    const entry = this.#entries.get(siteId);
    if (!entry) return;
    const before = entry.held[table].problems;
    const room = this.#options.most - this.#count + before.size;
    const kept = new Map(problems.slice(0, Math.max(0, room)).map((problem) => [problem.id, problem]));
    entry.held[table] = { problems: kept, more: more + Math.max(0, problems.length - room) };
    this.#count += kept.size - before.size;
    entry.unhandled = countsOf(problemsOf(entry).filter(({ handled }) => !handled));
    this.#tell(entry.site, before, kept);
  }

  /** A site has answered all it was asked. */
  answered(siteId: number, now: number): void {
    const entry = this.#entries.get(siteId);
    if (!entry) return;
    entry.asOf = now;
    if (entry.missing) this.#options.missing(entry.site, undefined);
    entry.missing = undefined;
  }

  /** A site does not answer. @param shown what it said before still counts */
  failed(siteId: number, reason: string, now: number, shown: boolean): void {
    const entry = this.#entries.get(siteId);
    if (!entry) return;
    entry.asOf ??= now;
    const before = entry.missing;
    if (!shown) this.#empty(entry);
    if (before?.reason === reason && before.shown === shown) return;
    const { tenant, name: site } = entry.site;
    entry.missing = { tenant, site, reason, since: before?.since ?? now, shown };
    this.#options.missing(entry.site, entry.missing);
  }

  /** The site is not asked any more. */
  remove(siteId: number): void {
    const entry = this.#entries.get(siteId);
    if (!entry) return;
    this.#empty(entry);
    if (entry.missing) this.#options.missing(entry.site, undefined);
    this.#entries.delete(siteId);
  }

  /** Nobody wants it any more; nothing is told. */
  clear(): void {
    this.#entries.clear();
    this.#count = 0;
  }

  #empty(entry: Entry): void {
    for (const table of TABLES) this.take(entry.site.id, table, [], 0);
  }

  #tell(site: GatedSite, before: ReadonlyMap<string, Problem>, now: ReadonlyMap<string, Problem>): void {
    const difference: Difference = { site, appeared: [], changed: [], gone: [] };
    for (const problem of now.values()) {
      const known = before.get(problem.id);
      if (!known) difference.appeared.push(problem);
      else if (!alike(known, problem)) difference.changed.push(problem);
    }
    for (const problem of before.values()) if (!now.has(problem.id)) difference.gone.push(problem);
    const { appeared, changed, gone } = difference;
    if (appeared.length + changed.length + gone.length > 0) this.#options.changed(difference);
  }
}

export function problemsOf({ held }: Entry): Problem[] {
  return TABLES.flatMap((table) => [...held[table].problems.values()]);
}

/** How many a site has that are not held. */
export function moreOf({ held }: Entry): number {
  return TABLES.reduce((sum, table) => sum + held[table].more, 0);
}

export function countsOf(problems: readonly Problem[]): Counts {
  const counts = Object.fromEntries(STATES.map((state) => [state, 0])) as Record<Problem["state"], number>;
  for (const { state } of problems) counts[state]++;
  return counts;
}

export function sumOf(counts: readonly Counts[]): Counts {
  const sum = { ...countsOf([]) };
  for (const each of counts) for (const state of STATES) sum[state] += each[state];
  return sum;
}

/** Every check moves the time of the last one; that alone is nothing to be told. */
function alike(a: Problem, b: Problem): boolean {
  return JSON.stringify({ ...a, lastCheck: 0 }) === JSON.stringify({ ...b, lastCheck: 0 });
}

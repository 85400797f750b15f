/** Who watches, and what each is told: what is different since the last time, and of what it may see. */

import type { Clock, Timer } from "../../common/clock.ts";
import { FarsiteError } from "../../common/errors.ts";
import type { GatedSite } from "../livestatus/index.ts";
import type { Difference } from "./board.ts";
import type { Counts, MissingSite, ProblemChanges, Tenants } from "./interface.ts";
import type { Problem } from "./problem.ts";

export interface WatchersOptions {
  clock: Clock;
  /** At the same time. */
  most: number;
  unhandled: (tenants: Tenants) => Counts;
}

type Listener = (changes: ProblemChanges) => void;

interface Change {
  kind: "appeared" | "changed" | "gone";
  problem: Problem;
}

/** ms for which changes are gathered: a site that comes back is told at once, not row by row. */
const GATHER = 200;
/** Changes that a watcher is told one by one; of more it is told that there are many. */
export const MOST_CHANGES = 1_000;

export class Watchers {
  readonly #options: WatchersOptions;
  readonly #watchers = new Set<{ tenants: Tenants; listener: Listener }>();
  readonly #changes = new Map<string, Change>();
  readonly #missing = new Map<string, { site: GatedSite; missing: MissingSite | undefined }>();
  #timer: Timer | undefined;

  constructor(options: WatchersOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#watchers.size;
  }

  /** Returns what ends it. */
  add(tenants: Tenants, listener: Listener): () => void {
    if (this.#watchers.size >= this.#options.most) {
      throw new FarsiteError(
        "E_LIMIT",
        `${this.#options.most} watch the problems already`,
        "Close pages that nobody looks at, or raise problems.watchers in hub.toml.",
      );
    }
    const watcher = { tenants, listener };
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  changed({ appeared, changed, gone }: Difference): void {
    for (const problem of appeared) this.#note("appeared", problem);
    for (const problem of changed) this.#note("changed", problem);
    for (const problem of gone) this.#note("gone", problem);
    this.#arm();
  }

  missing(site: GatedSite, missing: MissingSite | undefined): void {
    this.#missing.set(`${site.tenant}/${site.name}`, { site, missing });
    this.#arm();
  }

  /** As it looks to one who has not been told yet of the last change. */
  #note(kind: Change["kind"], problem: Problem): void {
    const before = this.#changes.get(problem.id)?.kind;
    if (before === "appeared" && kind === "gone") this.#changes.delete(problem.id);
    else {
      const now = before === "appeared" ? "appeared" : before === "gone" ? "changed" : kind;
      this.#changes.set(problem.id, { kind: now, problem });
    }
  }

  #arm(): void {
    if (this.#watchers.size === 0) this.#forget();
    else this.#timer ??= this.#options.clock.after(GATHER, () => this.#tell());
  }

  #forget(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#changes.clear();
    this.#missing.clear();
  }

  #tell(): void {
    const made = new Map<string, ProblemChanges | undefined>();
    for (const { tenants, listener } of [...this.#watchers]) {
      const key = tenants === "all" ? "all" : JSON.stringify(tenants);
      if (!made.has(key)) made.set(key, this.#changesFor(tenants));
      const changes = made.get(key);
      if (changes) listener(changes);
    }
    this.#forget();
  }

  /** Undefined: nothing that may be seen. */
  #changesFor(tenants: Tenants): ProblemChanges | undefined {
    const seen = (tenant: string) => tenants === "all" || tenants.includes(tenant);
    const changes = [...this.#changes.values()].filter(({ problem }) => seen(problem.tenant));
    const sites = [...this.#missing.values()].filter(({ site }) => seen(site.tenant));
    if (changes.length + sites.length === 0) return undefined;
    const reload = changes.length > MOST_CHANGES;
    const of = (kind: Change["kind"]) =>
      reload ? [] : changes.filter((each) => each.kind === kind).map(({ problem }) => problem);
    return {
      appeared: of("appeared"),
      changed: of("changed"),
      gone: of("gone").map(({ id }) => id),
      missing: sites.flatMap(({ missing }) => (missing ? [missing] : [])),
      answering: sites.flatMap(({ site, missing }) => (missing ? [] : [`${site.tenant}/${site.name}`])),
      unhandled: this.#options.unhandled(tenants),
      reload,
    };
  }
}

/** The states of all sites: kept up to date by what happens, so that asking costs nothing. */
import type { Clock, Timer } from "../../common/clock.ts";
import { generationOf } from "../../common/core.ts";
import type { Log } from "../../common/log.ts";
import type { Site } from "../registry/index.ts";
import type { SiteState } from "../tunnel/index.ts";
import { type CheckmkState, judge, type StateWord } from "./state.ts";

export interface DatedState extends CheckmkState {
  /** ms since the epoch. */
  since: number;
}

export interface StatesOptions {
  clock: Clock;
  log: Log;
  /** What the tunnel knows of a site. */
  tunnel: (siteId: number) => SiteState;
  /** ms without a carrier for which clients wait for the next one. */
  hold: number;
  /** ms within which agents must have come back after the hub's start. */
  grace: number;
  /** A site's state, or the generation of its core, is another one now. */
  changed?: (siteId: number) => void;
}

/** What is kept of a site. */
interface Entry {
  site: Site;
  /** Since when the hub has let the site's present key in. */
  known: number;
  current: DatedState;
  /** The last change to a state in which it does not answer. */
  failure: { at: number; reason: string } | undefined;
  timer: Timer | undefined;
  /** Changes logged within the minute that `logging` counts. */
  logged: number;
  logging: Timer | undefined;
}

/** A site as the state file shows it. */
export interface SiteRecord {
  site: Site;
  current: DatedState;
  failure: { at: number; reason: string } | undefined;
}

const MINUTE = 60_000;
/** Changes of one site that are logged within a minute; of more, the last one is, when the minute is over. */
const LOGGED_PER_MINUTE = 20;

/** States that a site is in now and then when all is well. */
const QUIET: ReadonlySet<StateWord> = new Set(["online", "waiting", "disabled"]);
/** States in which somebody expects an answer of the site and gets none. */
const FAILED: ReadonlySet<StateWord> = new Set(["dead", "down", "unreach"]);

/** States in which it is pointless to ask: known not to answer. In the others there may be an answer. */
const UNREACHABLE: ReadonlySet<StateWord> = new Set(["dead", "down", "unreach", "disabled"]);

export class SiteStates {
  readonly #entries = new Map<number, Entry>();

  constructor(private readonly options: StatesOptions) {}

  /** Takes up what the registry says of a site, at the hub's start and after each change. */
  know(site: Site): void {
    const now = this.options.clock.wall();
    const entry = this.#entries.get(site.id);
    if (entry) {
      const { key, enabled } = entry.site;
      // what went before says nothing of the agent that is to come now
      if (key !== site.key || (site.enabled && !enabled)) entry.known = now;
      entry.site = site;
      return this.update(site.id);
    }
    const known: Entry = {
      site,
      known: now,
      current: { state: "unknown", since: now },
      failure: undefined,
      timer: undefined,
      logged: 0,
      logging: undefined,
    };
    this.#entries.set(site.id, known);
    const { lasts, ...first } = this.#judge(known);
    known.current = { ...first, since: first.since ?? now };
    this.#arm(known, lasts);
  }

  /** The site is gone for good. */
  forget(siteId: number): void {
    const entry = this.#entries.get(siteId);
    entry?.timer?.cancel();
    entry?.logging?.cancel();
    this.#entries.delete(siteId);
  }

  /** Something has happened to a site. */
  update(siteId: number): void {
    const entry = this.#entries.get(siteId);
    if (!entry) return;
    const { lasts, since, ...next } = this.#judge(entry);
    this.#arm(entry, lasts);
    const before = entry.current;
    const generation = this.generation(siteId);
    if (before.state === next.state && before.cause === next.cause) {
      entry.current = { ...next, since: before.since };
      if (this.generation(siteId) !== generation) this.options.changed?.(siteId);
      return;
    }
    const now = this.options.clock.wall();
    entry.current = { ...next, since: since ?? now };
    if (FAILED.has(next.state)) entry.failure = { at: now, reason: describe(entry.current) };
    this.#log(entry, before.state);
    this.options.changed?.(siteId);
  }

  /** The state of a site; undefined when the hub does not know it. */
  state(siteId: number): DatedState | undefined {
    return this.#entries.get(siteId)?.current;
  }

  /**
   * What is another one after each restart and reload of the site's core, and else is the same; undefined
   * unless the site is online.
   */
  generation(siteId: number): string | undefined {
    const core = this.#entries.get(siteId)?.current.core;
    return core && generationOf(core);
  }

  /** Why a site's core is not to be asked now, in words for who wanted to; undefined when it may be tried. */
  unreachable(siteId: number): string | undefined {
    const current = this.#entries.get(siteId)?.current;
    return current && UNREACHABLE.has(current.state) ? `the site is ${describe(current)}` : undefined;
  }

  records(): SiteRecord[] {
    return [...this.#entries.values()];
  }

  close(): void {
    for (const siteId of [...this.#entries.keys()]) this.forget(siteId);
  }

  #judge({ site, known }: Entry): ReturnType<typeof judge> {
    const { clock, tunnel, hold, grace } = this.options;
    return judge({ site, tunnel: tunnel(site.id), now: clock.wall(), known, hold, grace });
  }

  #arm(entry: Entry, lasts: number | undefined): void {
    entry.timer?.cancel();
    const again = () => this.update(entry.site.id);
    entry.timer = lasts === undefined ? undefined : this.options.clock.after(lasts, again);
  }

  /** A line in the manner of Checkmk's Livestatus proxy. An agent that reports without end fills no log. */
  #log(entry: Entry, before: StateWord): void {
    const { clock, log } = this.options;
    entry.logging ??= clock.after(MINUTE, () => {
      entry.logging = undefined;
      const left = entry.logged - LOGGED_PER_MINUTE;
      entry.logged = 0;
      if (left > 0)
        log.warn(`${title(entry)}: ${left} more changes of state, now ${describe(entry.current)}`);
    });
    if (++entry.logged > LOGGED_PER_MINUTE) return;
    const line = `${title(entry)}: state changed: ${before} -> ${describe(entry.current)}`;
    if (QUIET.has(entry.current.state)) log.info(line);
    else log.warn(line);
  }
}

function title({ site }: Entry): string {
  return `Site ${site.tenant}/${site.name}`;
}

/** A state in words: `dead (stopped): [Errno 111] Connection refused`. */
export function describe({ state, cause, reason }: DatedState): string {
  const what = cause === undefined ? state : `${state} (${cause})`;
  return reason === undefined ? what : `${what}: ${reason}`;
}

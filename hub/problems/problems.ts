/** The problems of all cores: asked for while somebody wants to know, and what is done about them. */

import type { Clock } from "../../common/clock.ts";
import { LIVESTATUS } from "../../common/core.ts";
import { Deadline } from "../../common/deadline.ts";
import { FarsiteError } from "../../common/errors.ts";
import { Refusal } from "../../common/livestatus/index.ts";
import type { Log } from "../../common/log.ts";
import type { Random } from "../../common/random.ts";
import { printable } from "../../common/text.ts";
import type { Actor, Site } from "../registry/index.ts";
import { Board, moreOf, problemsOf, sumOf } from "./board.ts";
import { type CommandResult, Commands, type CommandsOptions, type ProblemCommand } from "./command/index.ts";
import type { Cores } from "./core.ts";
import type {
  MissingSite,
  ProblemChanges,
  ProblemFilter,
  ProblemPage,
  Problems,
  Tenants,
} from "./interface.ts";
import { pageOf } from "./page.ts";
import { Poll } from "./poll.ts";
import type { Target } from "./problem.ts";
import { Rounds } from "./rounds.ts";
import { Watchers } from "./watchers.ts";

export interface ProblemsLimits {
  /** ms from one question to a site to the next, while somebody watches. */
  interval: number;
  /** ms after which all problems of a site are asked for in any case. */
  refresh: number;
  /** ms until an answer of a site must be there. */
  answer: number;
  /** Sites that are asked at a time, and in a second. */
  sites: number;
  sitesPerSecond: number;
  /** Problems that are held of one table of a site, and of all sites. */
  perSite: number;
  problems: number;
  watchers: number;
  /** ms in which a core must show the effect of a command. */
  confirm: number;
}

export interface ProblemsOptions {
  cores: Cores;
  /** Why a site cannot be asked now; undefined when it can. */
  unreachable: (siteId: number) => string | undefined;
  limits: ProblemsLimits;
  audit: CommandsOptions["audit"];
  clock: Clock;
  random: Random;
  log: Log;
}

/** ms for which what is known is kept up to date after the last one who asked for it. */
const LINGER = 30_000;
/** ms for which a list waits for sites that have not been heard yet. */
export const LIST_WAIT = 3_000;
/** ms for which a site is shown as it was, while it does not answer. */
const SHOWN = 30_000;
/** ms after which a site that does not answer is asked again, at most; and one that does not let this be asked. */
const LONGEST_REST = 30_000;
const REST_WHEN_REFUSED = 60_000;
/** UTF-16 units of why a site is missing: some are a core's words. */
const LONGEST_REASON = 300;
const FORBIDDEN = 403;
const NEVER = Number.NEGATIVE_INFINITY;

interface Asked {
  poll: Poll;
  failures: number;
  /** When it was heard last, on the clock that never jumps. */
  heard: number;
}

export class LiveProblems implements Problems {
  readonly #options: ProblemsOptions;
  readonly #sites = new Map<number, Site>();
  readonly #asked = new Map<number, Asked>();
  readonly #board: Board;
  readonly #watchers: Watchers;
  readonly #rounds: Rounds;
  readonly #commands: Commands;
  readonly #linger: Deadline;
  /** Lists that wait for sites to be heard. */
  readonly #waiting = new Set<{ sites: Set<number>; done: () => void }>();
  #running = false;

  constructor(options: ProblemsOptions) {
    this.#options = options;
    const { limits, clock, random, cores, audit } = options;
    this.#watchers = new Watchers({
      clock,
      most: limits.watchers,
      unhandled: (tenants) => this.#unhandled(tenants),
    });
    this.#board = new Board({
      most: limits.problems,
      changed: (difference) => this.#watchers.changed(difference),
      missing: (site, missing) => this.#watchers.missing(site, missing),
    });
    this.#rounds = new Rounds({
      clock,
      random,
      interval: limits.interval,
      atOnce: limits.sites,
      perSecond: limits.sitesPerSecond,
      ask: (siteId) => this.#ask(siteId),
    });
    this.#commands = new Commands({
      cores,
      clock,
      audit,
      within: limits.answer,
      confirm: limits.confirm,
    });
    this.#linger = new Deadline(clock, () => {
      if (this.#watchers.count === 0) this.#stop();
    });
  }

  /** Counts a site in, or what is different of it. */
  offer(site: Site): void {
    this.#sites.set(site.id, site);
    if (!this.#running) return;
    if (isAsked(site)) this.#begin(site);
    else this.#end(site.id);
  }

  /** The site is gone for good. */
  forget({ id }: Site): void {
    this.#sites.delete(id);
    this.#end(id);
  }

  async list(filter: ProblemFilter, tenants: Tenants): Promise<ProblemPage> {
    this.#start();
    this.#linger.set(LINGER);
    await this.#heard(tenants);
    const entries = this.#board.entries(tenants);
    const now = this.#options.clock.wall();
    const missing = entries.flatMap(({ site, missing, asOf }): MissingSite[] => {
      if (missing) return [missing];
      if (asOf !== undefined) return [];
      const reason = "the site has not answered yet";
      return [{ tenant: site.tenant, site: site.name, reason, since: now, shown: false }];
    });
    const cut = entries
      .map((entry) => ({ tenant: entry.site.tenant, site: entry.site.name, more: moreOf(entry) }))
      .filter(({ more }) => more > 0);
    return {
      ...pageOf(entries.flatMap(problemsOf), filter),
      unhandled: this.#unhandled(tenants),
      missing: missing.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)),
      cut,
      asOf: entries.reduce(
        (least, { asOf = now, missing }) => (missing ? least : Math.min(least, asOf)),
        now,
      ),
    };
  }

  watch(tenants: Tenants, listener: (changes: ProblemChanges) => void): () => void {
    const end = this.#watchers.add(tenants, listener);
    this.#start();
    return () => {
      end();
      this.#linger.set(LINGER);
    };
  }

  async command(actor: Actor, target: Target, command: ProblemCommand): Promise<CommandResult> {
    const site = [...this.#sites.values()].find(
      ({ tenant, name }) => tenant === target.tenant && name === target.site,
    );
    if (!site) throw new FarsiteError("E_NOT_FOUND", `there is no site ${nameOf(target)}`);
    const result = await this.#commands.run(actor, site, target, command);
    if (result.outcome !== "refused") this.#rounds.hurry(site.id);
    return result;
  }

  /** The hub stops. */
  close(): void {
    this.#stop();
  }

  #unhandled(tenants: Tenants): ProblemPage["unhandled"] {
    return sumOf(this.#board.entries(tenants).map(({ unhandled }) => unhandled));
  }

  #start(): void {
    if (this.#running) return;
    this.#running = true;
    for (const site of this.#sites.values()) if (isAsked(site)) this.#begin(site);
  }

  #stop(): void {
    this.#running = false;
    this.#linger.clear();
    this.#rounds.stop();
    this.#asked.clear();
    this.#board.clear();
    for (const { done } of [...this.#waiting]) done();
  }

  #begin(site: Site): void {
    if (this.#asked.has(site.id)) return;
    this.#board.add(site);
    this.#asked.set(site.id, this.#anew(site));
    this.#rounds.add(site.id);
  }

  #anew(site: Site): Asked {
    const { cores, clock, limits } = this.#options;
    const poll = new Poll({
      site,
      cores,
      clock,
      most: limits.perSite,
      within: limits.answer,
      refresh: limits.refresh,
      told: (table, problems, more) => {
        if (this.#asked.get(site.id)?.poll === poll) this.#board.take(site.id, table, problems, more);
      },
    });
    return { poll, failures: 0, heard: NEVER };
  }

  #end(siteId: number): void {
    this.#rounds.remove(siteId);
    this.#asked.delete(siteId);
    this.#board.remove(siteId);
    this.#tellWaiting(siteId);
  }

  /** Gives the ms after which the site may be asked again. */
  async #ask(siteId: number): Promise<number> {
    const asked = this.#asked.get(siteId);
    if (!asked) return 0;
    const { clock, unreachable } = this.#options;
    const reason = unreachable(siteId);
    if (reason !== undefined) {
      // nothing is asked of it, so it may be looked at as often as any
      asked.failures = 0;
      this.#failed(siteId, reason, false);
      return 0;
    }
    try {
      await asked.poll.ask();
      if (this.#asked.get(siteId) !== asked) return 0;
      asked.failures = 0;
      asked.heard = clock.now();
      this.#board.answered(siteId, clock.wall());
      this.#tellWaiting(siteId);
      return 0;
    } catch (error) {
      if (!(error instanceof Refusal)) {
        this.#options.log.error("problems cannot be asked for", { fault: String(error) });
      }
      if (this.#asked.get(siteId) !== asked) return 0;
      const why = error instanceof Refusal ? error : new Refusal(502, "the hub had a fault");
      asked.failures++;
      this.#failed(siteId, printable(why.message, LONGEST_REASON), clock.now() - asked.heard < SHOWN);
      if (why.code === FORBIDDEN) return REST_WHEN_REFUSED;
      return Math.min(LONGEST_REST, this.#options.limits.interval * 2 ** asked.failures);
    }
  }

  #failed(siteId: number, reason: string, shown: boolean): void {
    const site = this.#sites.get(siteId);
    this.#board.failed(siteId, reason, this.#options.clock.wall(), shown);
    const before = this.#asked.get(siteId);
    // what it says next is not compared with what is no longer shown
    if (!shown && site && before && before.heard !== NEVER) {
      this.#asked.set(siteId, { ...this.#anew(site), failures: before.failures });
    }
    this.#tellWaiting(siteId);
  }

  /** Resolves when all sites that may be seen have been heard once, or time is up. */
  #heard(tenants: Tenants): Promise<void> {
    const unheard = this.#board.entries(tenants).filter(({ asOf }) => asOf === undefined);
    if (unheard.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        timer.cancel();
        this.#waiting.delete(waiting);
        resolve();
      };
      const waiting = { sites: new Set(unheard.map(({ site }) => site.id)), done };
      const timer = this.#options.clock.after(LIST_WAIT, done);
      this.#waiting.add(waiting);
    });
  }

  #tellWaiting(siteId: number): void {
    for (const { sites, done } of [...this.#waiting]) {
      if (sites.delete(siteId) && sites.size === 0) done();
    }
  }
}

/** Whether anything can be expected of it. */
function isAsked({ enabled, services }: Site): boolean {
  return enabled && services.includes(LIVESTATUS);
}

function nameOf({ tenant, site }: { tenant: string; site: string }): string {
  return `${tenant}/${site}`;
}

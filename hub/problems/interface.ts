/** What others get of this folder: the unhandled and handled problems of all cores, live, and what is done about them. */

import type { Actor } from "../registry/index.ts";
import type { CommandResult, ProblemCommand } from "./command/index.ts";
import type { Problem, ProblemState, Target } from "./problem.ts";

/** Whose problems may be seen: tenants by name, or those of all. */
export type Tenants = readonly string[] | "all";

export const SORT_KEYS = ["severity", "since", "site", "host", "service"] as const;
export type SortKey = (typeof SORT_KEYS)[number];

export interface ProblemFilter {
  tenant?: string | undefined;
  site?: string | undefined;
  states?: readonly ProblemState[] | undefined;
  /** Undefined: both. */
  handled?: boolean | undefined;
  kind?: "host" | "service" | undefined;
  /** Only what its core is sure of, or only what it is not. */
  hard?: boolean | undefined;
  /** Part of a site's, host's or service's name or of the output, in any case of letters. */
  text?: string | undefined;
  /** `severity` by default: worst first, then the newest. */
  sort?: SortKey | undefined;
  descending?: boolean | undefined;
  /** Of what is left: 0 and 100 by default; at most 1,000. */
  offset?: number | undefined;
  limit?: number | undefined;
}

/** How many problems there are. */
export type Counts = Readonly<Record<ProblemState, number>>;

/** A site that does not say how its hosts and services are. */
export interface MissingSite {
  tenant: string;
  site: string;
  /** In words. */
  reason: string;
  /** ms since the epoch. */
  since: number;
  /** What it said before is still shown. */
  shown: boolean;
}

/** A site with more problems than are held. */
export interface CutSite {
  tenant: string;
  site: string;
  /** How many are not shown. */
  more: number;
}

export interface ProblemPage {
  problems: readonly Problem[];
  /** That meet the filter. */
  total: number;
  offset: number;
  /** Of all that meet the filter, `states` aside. */
  counts: Counts;
  /** Of all that may be seen: how many nobody handles. */
  unhandled: Counts;
  /** In the order of their names. */
  missing: readonly MissingSite[];
  cut: readonly CutSite[];
  /** ms since the epoch: when the site that was asked longest ago was asked. */
  asOf: number;
}

/** What is different since the last time a watcher was told. */
export interface ProblemChanges {
  appeared: readonly Problem[];
  changed: readonly Problem[];
  /** Ids. */
  gone: readonly string[];
  /** Sites that do not answer any more, or for another reason. */
  missing: readonly MissingSite[];
  /** `TENANT/SITE` that answer again, or are no longer there. */
  answering: readonly string[];
  /** Of all that the watcher may see: how many nobody handles. */
  unhandled: Counts;
  /** So much has changed that the lists above are empty: ask `list` again. */
  reload: boolean;
}

export interface Problems {
  /**
   * The problems that may be seen and meet a filter. Asks the cores, unless what they said is new enough.
   * @throws FarsiteError E_LIMIT
   */
  list(filter: ProblemFilter, tenants: Tenants): Promise<ProblemPage>;

  /**
   * From now on tells what changes; while somebody watches, the cores are asked again and again. To miss nothing,
   * call `list` after this. Returns what ends it. The listener must not throw.
   * @throws FarsiteError E_LIMIT there are too many watchers
   */
  watch(tenants: Tenants, listener: (changes: ProblemChanges) => void): () => void;

  /**
   * Gives a command to the core of the site that `target` names, once, and waits a bounded time for its effect.
   * Whether the actor may is for the caller to say.
   * @throws FarsiteError E_NOT_FOUND no such tenant or site; E_NAME, E_USAGE what is asked is not possible; E_LIMIT
   */
  command(actor: Actor, target: Target, command: ProblemCommand): Promise<CommandResult>;
}

/** Wires what is known of problems, and what is done about them. */

import type { Clock } from "../../common/clock.ts";
import type { Log } from "../../common/log.ts";
import type { Random } from "../../common/random.ts";
import type { HubConfig } from "../config/index.ts";
import type { Federation } from "../livestatus/federation/index.ts";
import { LiveProblems } from "../problems/index.ts";
import type { Registry } from "../registry/index.ts";

/** Who asks the cores, among those who wait for a site's channels, and in the audit. */
const WHO = "problems";

export interface ProblemsParts {
  federation: Federation;
  /** Why a site's core cannot be asked now; undefined when it can. */
  unreachable: (siteId: number) => string | undefined;
  registry: Registry;
  clock: Clock;
  random: Random;
  log: Log;
}

export function openProblems({ problems: own }: HubConfig, parts: ProblemsParts): LiveProblems {
  const { federation, unreachable, registry, clock, random, log } = parts;
  const { oneSite } = federation;
  return new LiveProblems({
    cores: {
      rows: (site, wanted) => oneSite.rows(site, WHO, wanted),
      tell: (site, command, within) => oneSite.tell(site, WHO, command, within),
    },
    unreachable,
    limits: {
      interval: own.interval_seconds * 1000,
      refresh: own.refresh_seconds * 1000,
      answer: own.answer_seconds * 1000,
      sites: own.sites,
      sitesPerSecond: own.sites_per_second,
      perSite: own.per_site,
      problems: own.all_sites,
      watchers: own.watchers,
      confirm: own.confirm_seconds * 1000,
    },
    audit: (actor, action, site, detail) => registry.record(actor, action, site, detail),
    clock,
    random,
    log,
  });
}

/** Wires the endpoints of many sites. */

import { join } from "node:path";
import type { Clock } from "../../common/clock.ts";
import { type Reconfigurable, switched } from "../../common/config/index.ts";
import { ensureDirectory } from "../../common/files.ts";
import { policyOf } from "../../common/livestatus/index.ts";
import type { Log } from "../../common/log.ts";
import type { Random } from "../../common/random.ts";
import type { HubConfig } from "../config/index.ts";
import { Views } from "../endpoint/index.ts";
import { Federation, type FederationLimits } from "../livestatus/federation/index.ts";
import type { GatedSite, Livestatus, SiteStates } from "../livestatus/index.ts";
import type { Site } from "../registry/index.ts";
import type { SiteState } from "../tunnel/index.ts";
import { peerStateOf } from "./peer-state.ts";

export interface FederationParts {
  config: HubConfig;
  stateDir: string;
  runDir: string;
  livestatus: Livestatus;
  states: SiteStates;
  tunnel: (siteId: number) => SiteState;
  /** Why a site's core cannot be asked now; undefined when it can. */
  unreachable: (siteId: number) => string | undefined;
  clock: Clock;
  random: Random;
  log: Log;
}

export function openFederation(parts: FederationParts): {
  federation: Federation;
  views: Views;
  sites: Sites;
  part: Reconfigurable<HubConfig>;
} {
  const { config, stateDir, runDir, livestatus, states, tunnel, unreachable, clock, random, log } = parts;
  const spoolDirectory = join(stateDir, "spool");
  ensureDirectory(spoolDirectory, 0o700);
  const sites = new Sites();
  const federation = new Federation({
    verdict: (site, request, client) => livestatus.verdict(site, request, client),
    asking: (site, client, question, events) => livestatus.asking(site, client, question, events),
    stateOf: (site) =>
      peerStateOf({
        site: sites.get(site),
        tunnel: tunnel(site.id),
        current: states.state(site.id),
        unreachable: unreachable(site.id),
        queries: livestatus.state(site)?.requests ?? 0,
        now: clock.wall(),
      }),
    limits: limitsOf(config),
    spoolDirectory,
    clock,
    random,
    log,
  });
  const views = new Views({ runDir, clock, log, view: (tenant) => federation.view(tenant) });
  const part = switched<HubConfig>(["federation", "livestatus"], (changed) =>
    federation.reconfigure(limitsOf(changed)),
  );
  return { federation, views, sites, part };
}

function limitsOf({ federation: own, livestatus: gate }: HubConfig): FederationLimits {
  return {
    queryTimeout: gate.query_timeout_seconds * 1000,
    requestTimeout: gate.request_seconds * 1000,
    idleTimeout: gate.idle_seconds * 1000,
    longestRequest: policyOf(gate).longestRequest,
    clientTimeout: gate.query_timeout_seconds * 1000,
    sitesTimeout: own.sites_seconds * 1000,
    sites: own.sites,
    queries: own.queries,
    queryWait: gate.channel_timeout_seconds * 1000,
    clients: own.clients,
    memory: own.memory_mib * (1 << 20),
    largestAnswer: own.largest_answer_mib * (1 << 20),
  };
}

/** What the registry says of the sites, at hand. */
export class Sites {
  readonly #sites = new Map<number, Site>();
  /** Those of each tenant, by name. */
  readonly #tenants = new Map<string, Map<string, Site>>();

  offer(site: Site): void {
    this.#sites.set(site.id, site);
    const siblings = this.#tenants.get(site.tenant) ?? new Map<string, Site>();
    this.#tenants.set(site.tenant, siblings.set(site.name, site));
  }

  forget({ id, tenant, name }: Site): void {
    this.#sites.delete(id);
    const siblings = this.#tenants.get(tenant);
    siblings?.delete(name);
    if (siblings?.size === 0) this.#tenants.delete(tenant);
  }

  /** Those of a tenant, by name; undefined: it has none. */
  of(tenant: string): ReadonlyMap<string, Site> | undefined {
    return this.#tenants.get(tenant);
  }

  get({ id }: GatedSite): Site | undefined {
    return this.#sites.get(id);
  }
}

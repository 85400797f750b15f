/** The Livestatus of all sites: a gate for each, and what they share. */

import type { Socket } from "node:net";
import type { Clock } from "../../common/clock.ts";
import type { Drainable } from "../../common/drain.ts";
import type { Policy, Refusal, Request } from "../../common/livestatus/index.ts";
import type { Log } from "../../common/log.ts";
import type { Stream } from "../../common/mux/index.ts";
import type { Asking } from "./asking.ts";
import { Cache, type CacheLimits } from "./cache.ts";
import type { AnswerEvents } from "./exchange.ts";
import {
  type Commanded,
  Gate,
  type GateLimits,
  type GateRules,
  type GateState,
  type Refused,
} from "./gate.ts";
import type { Question } from "./question.ts";
import { Totals } from "./totals.ts";

/** A site as this folder knows it. */
export interface GatedSite {
  id: number;
  tenant: string;
  name: string;
}

/** What hub.toml says of it. */
export interface LivestatusRules {
  /** `queryTimeout` holds where a site's policy says nothing of it. */
  limits: GateLimits;
  /** For each tenant. */
  cache: CacheLimits;
  /** Asked once for each site, when its first client comes, and when the rules change. */
  policy: (site: GatedSite) => Policy;
}

export interface LivestatusOptions extends LivestatusRules {
  clock: Clock;
  log: Log;
  /** A stream to the site's core; undefined when there is none now. */
  open: (siteId: number) => Stream | undefined;
  /** Why the site's core cannot be asked now; undefined when it can. After a change, call `changed`. */
  unreachable: (siteId: number) => string | undefined;
  /** Why nothing new may be asked of a site, while what is under way still is answered. Default: it may. */
  leaving?: (siteId: number) => string | undefined;
  /** Another text after each restart or reload of the core; undefined: not known, nothing is cached. */
  generation: (siteId: number) => string | undefined;
  /** A request was not let through. */
  refused: (refused: Refused) => void;
  /** A site's core has answered a question within so many ms, from its first byte to the answer's last. */
  answered?: (siteId: number, ms: number) => void;
  /** A command was. */
  commanded?: (commanded: Commanded) => void;
}

export interface LivestatusState extends GateState {
  /** Of the site's tenant. */
  cacheEntries: number;
  cacheBytes: number;
}

/** What is going on at all gates, and what all caches hold. */
export interface LivestatusNow {
  clients: number;
  busy: number;
  waiting: number;
  cacheEntries: number;
  cacheBytes: number;
}

export class Livestatus implements Drainable {
  readonly #gates = new Map<number, Gate>();
  readonly #caches = new Map<string, Cache>();
  readonly #totals = new Map<string, Totals>();
  #draining = false;

  #rules: LivestatusRules;

  constructor(private readonly options: LivestatusOptions) {
    this.#rules = options;
  }

  /** Other limits and policies, from the next request on. */
  reconfigure(rules: LivestatusRules): void {
    this.#rules = rules;
    for (const gate of this.#gates.values()) gate.reconfigure(this.#rulesOf(gate.site));
    for (const cache of this.#caches.values()) cache.reconfigure(rules.cache);
  }

  #rulesOf(site: GatedSite): GateRules {
    const policy = this.#rules.policy(site);
    const { limits } = this.#rules;
    return { policy, limits: { ...limits, queryTimeout: policy.queryTimeout ?? limits.queryTimeout } };
  }

  /** Takes a client's connection to a site, as `Clients` does. */
  serve(site: GatedSite, socket: Socket, done: () => void, opaque?: () => void): void {
    this.#gateOf(site).serve(socket, done, opaque);
  }

  /** Why a request from `client` may not go to a site; undefined when it may. It counts, once. */
  verdict(site: GatedSite, request: Request, client: string): Refusal | undefined {
    return this.#gateOf(site).verdict(request, client);
  }

  /** A question for a site's core, which the caller starts. It waits for a channel as any client's does. */
  asking(site: GatedSite, client: string, question: Question, events: AnswerEvents): Asking {
    return this.#gateOf(site).asking(client, question, events);
  }

  #gateOf(site: GatedSite): Gate {
    let gate = this.#gates.get(site.id);
    if (!gate) {
      gate = this.#open(site);
      this.#gates.set(site.id, gate);
      if (this.#draining) gate.drain();
    }
    return gate;
  }

  #open(site: GatedSite): Gate {
    const { clock, log, open, unreachable, leaving, generation, refused, answered, commanded } = this.options;
    return new Gate({
      site,
      ...this.#rulesOf(site),
      cache: this.#cacheOf(site.tenant),
      totals: this.#totalsOf(site.tenant),
      clock,
      log,
      open: () => open(site.id),
      unreachable: () => unreachable(site.id),
      leaving: leaving && (() => leaving(site.id)),
      generation: () => generation(site.id),
      refused,
      answered: answered && ((ms) => answered(site.id, ms)),
      ...(commanded && { commanded }),
    });
  }

  #cacheOf(tenant: string): Cache {
    let cache = this.#caches.get(tenant);
    if (!cache) {
      cache = new Cache(this.#rules.cache);
      this.#caches.set(tenant, cache);
    }
    return cache;
  }

  #totalsOf(tenant: string): Totals {
    let totals = this.#totals.get(tenant);
    if (!totals) {
      totals = new Totals();
      this.#totals.set(tenant, totals);
    }
    return totals;
  }

  /** By tenant; none whose sites nobody has asked. */
  get totals(): ReadonlyMap<string, Totals> {
    return this.#totals;
  }

  /** What is going on at all gates, and what all caches hold. */
  get now(): LivestatusNow {
    const now = { clients: 0, busy: 0, waiting: 0, cacheEntries: 0, cacheBytes: 0 };
    for (const { state } of this.#gates.values()) {
      now.clients += state.clients;
      now.busy += state.busy;
      now.waiting += state.waiting;
    }
    for (const { entries, bytes } of this.#caches.values()) {
      now.cacheEntries += entries;
      now.cacheBytes += bytes;
    }
    return now;
  }

  /** Whether a site can be reached may have changed. */
  changed(siteId: number): void {
    this.#gates.get(siteId)?.changed();
  }

  /** The site is withdrawn or removed: its clients are disconnected, its answers forgotten. */
  forget(siteId: number): void {
    this.#gates.get(siteId)?.close();
    this.#gates.delete(siteId);
    for (const cache of this.#caches.values()) cache.forget(`${siteId}\n`);
  }

  drain(): void {
    this.#draining = true;
    for (const gate of this.#gates.values()) gate.drain();
  }

  get underWay(): number {
    return [...this.#gates.values()].reduce((sum, gate) => sum + gate.underWay, 0);
  }

  /** Undefined: nobody has asked for the site. */
  state(site: GatedSite): LivestatusState | undefined {
    const gate = this.#gates.get(site.id);
    const cache = this.#cacheOf(site.tenant);
    return gate && { ...gate.state, cacheEntries: cache.entries, cacheBytes: cache.bytes };
  }
}

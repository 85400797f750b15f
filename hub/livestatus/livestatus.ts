/** The Livestatus of all sites: a gate for each, and what they share. */

import type { Socket } from "node:net";
import type { Clock } from "../../common/clock.ts";
import type { Policy, Refusal, Request } from "../../common/livestatus/index.ts";
import type { Log } from "../../common/log.ts";
import type { Stream } from "../../common/mux/index.ts";
import type { Asking } from "./asking.ts";
import { Cache, type CacheLimits } from "./cache.ts";
import type { AnswerEvents } from "./exchange.ts";
import { Gate, type GateLimits, type GateState, type Refused } from "./gate.ts";
import type { Question } from "./question.ts";

/** A site as this folder knows it. */
export interface GatedSite {
  id: number;
  tenant: string;
  name: string;
}

export interface LivestatusOptions {
  /** `queryTimeout` holds where a site's policy says nothing of it. */
  limits: GateLimits;
  /** For each tenant. */
  cache: CacheLimits;
  /** Asked once for each site, when its first client comes. */
  policy: (site: GatedSite) => Policy;
  clock: Clock;
  log: Log;
  /** A stream to the site's core; undefined when there is none now. */
  open: (siteId: number) => Stream | undefined;
  /** Why the site's core cannot be asked now; undefined when it can. After a change, call `changed`. */
  unreachable: (siteId: number) => string | undefined;
  /** Another text after each restart or reload of the core; undefined: not known, nothing is cached. */
  generation: (siteId: number) => string | undefined;
  /** A request was not let through. */
  refused: (refused: Refused) => void;
  /** A site's core has answered a question within so many ms, from its first byte to the answer's last. */
  answered?: (siteId: number, ms: number) => void;
}

export interface LivestatusState extends GateState {
  /** Of the site's tenant. */
  cacheEntries: number;
  cacheBytes: number;
}

export class Livestatus {
  readonly #gates = new Map<number, Gate>();
  readonly #caches = new Map<string, Cache>();

  constructor(private readonly options: LivestatusOptions) {}

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
    }
    return gate;
  }

  #open(site: GatedSite): Gate {
    const { limits, clock, log, open, unreachable, generation, refused, answered } = this.options;
    const policy = this.options.policy(site);
    return new Gate({
      site,
      limits: { ...limits, queryTimeout: policy.queryTimeout ?? limits.queryTimeout },
      policy,
      cache: this.#cacheOf(site.tenant),
      clock,
      log,
      open: () => open(site.id),
      unreachable: () => unreachable(site.id),
      generation: () => generation(site.id),
      refused,
      answered: answered && ((ms) => answered(site.id, ms)),
    });
  }

  #cacheOf(tenant: string): Cache {
    let cache = this.#caches.get(tenant);
    if (!cache) {
      cache = new Cache(this.options.cache);
      this.#caches.set(tenant, cache);
    }
    return cache;
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

  /** Undefined: nobody has asked for the site. */
  state(site: GatedSite): LivestatusState | undefined {
    const gate = this.#gates.get(site.id);
    const cache = this.#cacheOf(site.tenant);
    return gate && { ...gate.state, cacheEntries: cache.entries, cacheBytes: cache.bytes };
  }
}

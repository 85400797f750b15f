/** All sites as one: what the views of the tenants and of the operators share. */

import { hex } from "../../../common/bytes.ts";
import type { Clock } from "../../../common/clock.ts";
import type { Drainable } from "../../../common/drain.ts";
import type { Refusal, Request } from "../../../common/livestatus/index.ts";
import type { Log } from "../../../common/log.ts";
import type { Random } from "../../../common/random.ts";
import { type AnswerEvents, type Answering, Channels, type GatedSite, type Question } from "../index.ts";
import { Deviations } from "./deviation.ts";
import { Memory } from "./memory.ts";
import { OneSite } from "./one-site.ts";
import type { Peer, PeerState } from "./peer.ts";
import { View, type ViewLimits } from "./view.ts";

export interface FederationLimits extends ViewLimits {
  /** Queries that are answered at a time, and ms for which one more waits. */
  queries: number;
  queryWait: number;
  /** Bytes that all of them may hold, as JSON. */
  memory: number;
  /** Bytes of an answer. */
  largestAnswer: number;
}

export interface FederationOptions {
  verdict: (site: GatedSite, request: Request, client: string) => Refusal | undefined;
  asking: (site: GatedSite, client: string, question: Question, events: AnswerEvents) => Answering;
  stateOf: (site: GatedSite) => PeerState;
  limits: FederationLimits;
  /** Where answers are kept whose length must be told first; it exists. */
  spoolDirectory: string;
  clock: Clock;
  random: Random;
  log: Log;
}

/** Bytes of the name of a file that has one for a moment only. */
const NAME_BYTES = 12;

export class Federation implements Drainable {
  /** For what the hub asks on its own account. */
  readonly oneSite: OneSite;
  readonly #options: FederationOptions;
  readonly #sites = new Map<number, GatedSite>();
  readonly #views = new Map<string | undefined, View>();
  /** The sites of each view, made anew after a change. */
  readonly #peers = new Map<string | undefined, readonly Peer[]>();
  readonly #deviations: Deviations;
  readonly #memory: Memory;
  readonly #turns: Channels;
  #draining = false;
  #limits: FederationLimits;

  constructor(options: FederationOptions) {
    this.#options = options;
    const { limits, clock } = options;
    this.#limits = limits;
    this.#deviations = new Deviations(clock);
    this.#memory = new Memory(limits.memory);
    const { verdict, asking } = options;
    this.oneSite = new OneSite({ verdict, asking, memory: this.#memory, clock });
    this.#turns = new Channels({ clock, limit: limits.queries, timeout: limits.queryWait });
  }

  /** Counts a site in; it may be disabled. */
  offer({ id, tenant, name }: GatedSite): void {
    this.#sites.set(id, { id, tenant, name });
    this.#peers.clear();
  }

  /** The site is gone for good. */
  forget({ id }: Pick<GatedSite, "id">): void {
    this.#sites.delete(id);
    this.#deviations.forget(id);
    this.#peers.clear();
  }

  /** @param tenant undefined: all tenants' sites, for the operators */
  view(tenant: string | undefined): View {
    const present = this.#views.get(tenant);
    if (present) return present;
    const { verdict, asking, clock, random, log, spoolDirectory } = this.#options;
    const view = new View({
      tenant,
      peers: () => this.#peersOf(tenant),
      verdict: (peer, request, client) => verdict(siteOf(peer), request, client),
      asking: (peer, client, question, events) => asking(siteOf(peer), client, question, events),
      deviations: this.#deviations,
      memory: this.#memory,
      spool: () => ({
        directory: spoolDirectory,
        name: () => hex(random.bytes(NAME_BYTES)),
        largest: this.#limits.largestAnswer,
      }),
      turns: this.#turns,
      limits: () => this.#limits,
      clock,
      log,
    });
    this.#views.set(tenant, view);
    if (this.#draining) view.drain();
    return view;
  }

  /** In the order of their names: what is equal otherwise stands in this order. */
  #peersOf(tenant: string | undefined): readonly Peer[] {
    const known = this.#peers.get(tenant);
    if (known) return known;
    const peers = [...this.#sites.values()]
      .filter((site) => tenant === undefined || site.tenant === tenant)
      .map((site) => ({
        id: site.id,
        tenant: site.tenant,
        site: site.name,
        key: tenant === undefined ? `${site.tenant}/${site.name}` : site.name,
        state: () => this.#options.stateOf(site),
      }))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
    this.#peers.set(tenant, peers);
    return peers;
  }

  /** Other limits, from the next query on. */
  reconfigure(limits: FederationLimits): void {
    this.#limits = limits;
    this.#memory.most = limits.memory;
    this.#turns.reconfigure({ limit: limits.queries, timeout: limits.queryWait });
  }

  drain(): void {
    this.#draining = true;
    for (const view of this.#views.values()) view.drain();
  }

  get underWay(): number {
    return [...this.#views.values()].reduce((sum, view) => sum + view.underWay, 0);
  }

  close(): void {
    for (const view of this.#views.values()) view.close();
  }
}

function siteOf({ id, tenant, site }: Peer): GatedSite {
  return { id, tenant, name: site };
}

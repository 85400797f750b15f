/** The tunnels that are up, by site; the newest session of a site is its only one. */

import { sameBytes } from "../../common/bytes.ts";
import type { Clock } from "../../common/clock.ts";
import { FarsiteError } from "../../common/errors.ts";
import {
  type Attach,
  type Attached,
  type KeysControl,
  type Listens,
  SESSION_ID_BYTES,
} from "../../common/handshake/index.ts";
import type { Log } from "../../common/log.ts";
import { pack } from "../../common/msgpack.ts";
import type { Priority, Stream } from "../../common/mux/index.ts";
import type { Random } from "../../common/random.ts";
import type { Link, SessionLimits } from "../../common/session/index.ts";
import { createTunnel, type Tunnel } from "../../common/tunnel.ts";
import type { Site } from "../registry/index.ts";
import type { AgentInfo, SiteState } from "./site-state.ts";
import { Told } from "./told.ts";
import { TrafficCount } from "./traffic.ts";

/** Bytes that went over a site's carriers since the hub's start, as the hub sees it. */
export interface Traffic {
  received: number;
  sent: number;
}

/** Who hears of carriers. */
export interface CarrierObserver {
  /** A carrier was taken up; one that was there before is replaced. */
  came(siteId: number, carrier: { carrier: string; peer: string; resumed: boolean }): void;
  /** It is gone. */
  went(siteId: number, reason: string): void;
}

interface Entry {
  site: Site;
  tunnel: Tunnel;
  /** The carrier whose bytes are not yet among those of the carriers before. */
  counted: Link | undefined;
  agent: AgentInfo;
  since: number;
  told: Told;
  reason: string | undefined;
  /** When its carrier was lost, on the clock that never jumps; undefined while it has one. */
  lostAt: number | undefined;
}

interface Ended {
  since: number;
  reason: string;
  lost: boolean;
}

/** When a session's carrier was lost that has had none yet. */
const NEVER_THERE = Number.NEGATIVE_INFINITY;

/** Who opened a stream towards the hub. */
export interface Caller {
  readonly site: Site;
  /** What its agent said it listens for. */
  readonly listens: Listens;
}

export interface SitesOptions {
  clock: Clock;
  random: Random;
  log: Log;
  defer: (run: () => void) => void;
  session: Partial<SessionLimits>;
  maxStreams: number;
  /** ms after the loss of a carrier for which new streams wait for the next one. */
  hold: number;
  /** A site's carrier was lost now. */
  lost: (siteId: number) => void;
  /** What `state` says of a site may be different now. */
  changed: (siteId: number) => void;
  /** Hears of each carrier. */
  carriers?: CarrierObserver;
  /** Attaches to a stream that an agent opened, or resets it. Without this every such stream is refused. */
  accept?: (caller: Caller, stream: Stream) => void;
  /** What an agent is told of keys when its session begins. */
  greeting?: (site: Site) => KeysControl;
  /** An agent wants to come with another key from now on. */
  keyOffered?: (site: Site, publicKey: Uint8Array) => void;
  /** Services whose bytes are counted by themselves; those of others are counted together. */
  counted?: ReadonlySet<string>;
}

/** Since the hub's start. */
export interface SessionCounts {
  sessions: number;
  ended: number;
  carriers: number;
  carriersLost: number;
}

export class TunnelledSites {
  readonly #entries = new Map<number, Entry>();
  readonly #last = new Map<number, Ended>();
  /** Of carriers that are gone. */
  readonly #traffic = new Map<number, Traffic>();
  /** What streams carried. */
  readonly streams: TrafficCount;
  readonly counts: SessionCounts = { sessions: 0, ended: 0, carriers: 0, carriersLost: 0 };

  constructor(private readonly options: SitesOptions) {
    this.streams = new TrafficCount(options.counted ?? new Set());
  }

  /**
   * Takes a site's authenticated carrier: goes on with the session it names, or begins a new one. `answer`
   * must send ATTACHED before anything else goes over the link.
   */
  attach(
    site: Site,
    agent: AgentInfo,
    wanted: Attach,
    link: Link,
    answer: (attached: Attached) => void,
  ): void {
    const present = this.#entries.get(site.id);
    if (present && wanted.session && sameBytes(wanted.session, present.tunnel.session.id)) {
      const { session } = present.tunnel;
      present.agent = agent;
      present.site = site;
      const from = session.resumeAt(wanted.received);
      answer({ session: session.id, resumed: true, received: session.received, from });
      session.adopt(link, from, session.received);
      return;
    }
    // not a moment without a session: another one takes its place
    if (present) this.#entries.delete(site.id);
    present?.tunnel.session.end(new FarsiteError("E_SESSION_LOST", "the agent began a new session"));
    const entry = this.#create(site, agent);
    answer({ session: entry.tunnel.session.id, resumed: false, received: 0, from: 0 });
    const greeting = this.options.greeting?.(site);
    if (greeting) entry.tunnel.mux.sendControl(pack(greeting));
    entry.tunnel.session.adopt(link, 0, 0);
  }

  #create(site: Site, agent: AgentInfo): Entry {
    const { clock, random, defer, session: limits, maxStreams, accept } = this.options;
    const log = this.options.log.with({ site: `${site.tenant}/${site.name}` });
    const id = random.bytes(SESSION_ID_BYTES);
    const tunnel = createTunnel({
      side: "hub",
      id,
      clock,
      random,
      defer,
      limits,
      maxStreams,
      traffic: (service) => this.streams.of(site, service),
      handlers: {
        accept: (stream) =>
          accept
            ? accept({ site: entry.site, listens: entry.told.listens }, stream)
            : stream.reset("serviceRefused"),
        control: (body) => entry.told.heard(body),
        carrier: (link, reason) => {
          this.#count(entry, link);
          if (link) {
            const resumed = entry.lostAt !== NEVER_THERE;
            this.options.carriers?.came(site.id, { carrier: link.kind, peer: link.peer, resumed });
          } else this.options.carriers?.went(site.id, reason?.message ?? "");
          entry.since = clock.wall();
          entry.reason = reason?.message;
          entry.lostAt = link ? undefined : clock.now();
          if (link) {
            this.counts.carriers++;
            log.info("agent connected", { peer: link.peer, host: entry.agent.host });
          } else {
            this.counts.carriersLost++;
            log.warn("carrier lost", { reason: reason?.message });
            this.options.lost(site.id);
          }
          this.options.changed(site.id);
        },
        // only a hub sends it
        goAway: () => {},
        end: (reason) => {
          entry.told.end();
          this.#count(entry, undefined);
          // with a carrier until now: else it was told when that was lost
          if (entry.lostAt === undefined) this.options.carriers?.went(site.id, reason.message);
          this.counts.ended++;
          const replaced = this.#entries.get(site.id) !== entry;
          if (!replaced) this.#entries.delete(site.id);
          const lost = entry.lostAt !== undefined;
          this.#last.set(site.id, { since: clock.wall(), reason: reason.message, lost });
          log.warn("session ended", { code: reason.code, reason: reason.message });
          if (!replaced) this.options.changed(site.id);
        },
      },
    });
    const entry: Entry = {
      site,
      tunnel,
      counted: undefined,
      agent,
      since: clock.wall(),
      told: new Told({
        clock,
        changed: () => this.options.changed(entry.site.id),
        keyOffered: (publicKey) => this.options.keyOffered?.(entry.site, publicKey),
      }),
      reason: undefined,
      // until it is taken up
      lostAt: NEVER_THERE,
    };
    this.#entries.set(site.id, entry);
    this.counts.sessions++;
    return entry;
  }

  /** Tells a site's agent of keys, if it has a session. */
  tellKeys(siteId: number, message: KeysControl): void {
    this.#entries.get(siteId)?.tunnel.mux.sendControl(pack(message));
  }

  /**
   * Opens a stream to a site's service; undefined when the site is not connected. While its carrier is being
   * replaced the stream waits for the next one.
   */
  open(siteId: number, service: string, priority: Priority, packed: boolean): Stream | undefined {
    const entry = this.#entries.get(siteId);
    // the endpoint exists only for what the registry allows; the stream is held to it all the same
    if (!entry?.site.services.includes(service) || entry.told.pushOnly) return undefined;
    return this.#away(entry) <= this.options.hold
      ? entry.tunnel.mux.open(service, priority, packed)
      : undefined;
  }

  /** Why no stream to a site can be opened now, in words for who wanted one; undefined when one can. */
  unreachable(siteId: number): string | undefined {
    const entry = this.#entries.get(siteId);
    if (entry?.told.pushOnly) return "the site's agent is push-only: it lets no stream in";
    if (entry && this.#away(entry) <= this.options.hold) return undefined;
    const reason = entry ? entry.reason : this.#last.get(siteId)?.reason;
    return `the site is not connected: ${reason ?? "its agent has not come since the hub was started"}`;
  }

  /** Why nothing new should be asked of a site, although what is under way still is answered; undefined: it may. */
  leaving(siteId: number): string | undefined {
    return this.#entries.get(siteId)?.told.stopping
      ? "the site's agent is being stopped or restarted"
      : undefined;
  }

  /** ms that a site has been without a carrier. */
  #away({ lostAt }: Entry): number {
    return lostAt === undefined ? 0 : this.options.clock.now() - lostAt;
  }

  state(siteId: number): SiteState {
    const entry = this.#entries.get(siteId);
    if (!entry) {
      const last = this.#last.get(siteId);
      return {
        state: "disconnected",
        since: last?.since ?? 0,
        ...(last && { reason: last.reason, lost: last.lost }),
        streams: 0,
        offers: [],
      };
    }
    const { link, rtt } = entry.tunnel.session;
    const { offers, listens, pushOnly, core } = entry.told;
    return {
      state: link ? "connected" : "interrupted",
      since: entry.since,
      ...(entry.reason !== undefined && { reason: entry.reason }),
      ...(link && { peer: link.peer, carrier: link.kind }),
      ...(rtt !== undefined && { rtt }),
      streams: entry.tunnel.mux.streams,
      agent: entry.agent,
      offers,
      ...(Object.keys(listens).length > 0 && { listens }),
      ...(pushOnly && { pushOnly: true }),
      ...(core && { core }),
      ...(!link && { away: this.#away(entry) }),
    };
  }

  /** What went over a site's carriers; undefined: it has had none since the hub's start. */
  traffic(siteId: number): Traffic | undefined {
    const before = this.#traffic.get(siteId);
    const link = this.#entries.get(siteId)?.counted;
    if (!before && !link) return undefined;
    const { received = 0, sent = 0 } = before ?? {};
    return { received: received + (link?.received ?? 0), sent: sent + (link?.sent ?? 0) };
  }

  /** ms to a site's agent and back; undefined: it is not there, or it is not known. */
  rtt(siteId: number): number | undefined {
    const session = this.#entries.get(siteId)?.tunnel.session;
    return session?.link && session.rtt;
  }

  /** The carrier whose bytes count from now on. */
  #count(entry: Entry, next: Link | undefined): void {
    const { counted, site } = entry;
    entry.counted = next;
    if (!counted) return;
    const { received, sent } = this.#traffic.get(site.id) ?? { received: 0, sent: 0 };
    this.#traffic.set(site.id, { received: received + counted.received, sent: sent + counted.sent });
  }

  /** The registry says something else of a site now; its session goes on. */
  know(site: Site): void {
    const entry = this.#entries.get(site.id);
    if (entry) entry.site = site;
  }

  /** Ends a site's session at once: its key was revoked, or it was disabled or removed. */
  cut(siteId: number, reason: FarsiteError): void {
    this.#entries.get(siteId)?.tunnel.session.end(reason);
  }

  /** The site is gone for good. */
  forget(siteId: number): void {
    this.#last.delete(siteId);
    this.#traffic.delete(siteId);
    this.streams.forget(siteId);
  }

  connected(): number[] {
    return [...this.#entries].filter(([, entry]) => entry.tunnel.session.link).map(([id]) => id);
  }

  /** The hub stops: every agent is told to come back after `ms`; with 0 each does as after any loss. */
  endAll(reason: FarsiteError, ms: number): void {
    for (const { tunnel } of [...this.#entries.values()]) {
      if (ms > 0) tunnel.session.sendGoAway(ms);
      tunnel.session.end(reason);
    }
  }
}

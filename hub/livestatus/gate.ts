/** What stands between the clients of one site's Livestatus and its core. */

import type { Socket } from "node:net";
import type { Clock } from "../../common/clock.ts";
import { judge, type Policy, Refusal, type Request } from "../../common/livestatus/index.ts";
import type { Log } from "../../common/log.ts";
import type { Stream } from "../../common/mux/index.ts";
import { Notices } from "../../common/notices.ts";
import { Rate } from "../../common/rate.ts";
import { Asking } from "./asking.ts";
import type { Cache } from "./cache.ts";
import { Channels } from "./channels.ts";
import type { ClientHost, ClientLimits } from "./client.ts";
import { Clients } from "./clients.ts";
import type { AnswerEvents, Refuser } from "./exchange.ts";
import { Flights } from "./flights.ts";
import { type Description, describeQuestion, describeRequests, type Question } from "./question.ts";
import type { Totals } from "./totals.ts";

export interface GateLimits extends ClientLimits {
  /** Questions that reach the core at a time. */
  channels: number;
  /** ms for which a question waits for one of them. */
  channelTimeout: number;
  /** Clients connected at once. */
  clients: number;
}

/** A command that is let through, for the audit. */
export interface Commanded extends Description {
  tenant: string;
  site: string;
  /** As of a refused request. */
  client: string;
  untold: number;
}

/** A request that is not let through, for the audit. */
export interface Refused extends Description {
  tenant: string;
  site: string;
  /** Where it came from: an address, or "unix". */
  client: string;
  /** Whose file does not allow it. */
  by: Refuser;
  reason: string;
  /** Refusals before this one that were too many to be told one by one. */
  untold: number;
}

/** What hub.toml says of a site's Livestatus. */
export interface GateRules {
  limits: GateLimits;
  policy: Policy;
}

export interface GateOptions extends GateRules {
  site: { id: number; tenant: string; name: string };
  cache: Cache;
  /** Of the site's tenant. */
  totals: Totals;
  clock: Clock;
  log: Log;
  open: () => Stream | undefined;
  unreachable: () => string | undefined;
  /** Why nothing new may be asked, while what is under way still is answered. Default: it may. */
  leaving?: (() => string | undefined) | undefined;
  generation: () => string | undefined;
  refused: (refused: Refused) => void;
  /** The core has answered a question within so many ms. */
  answered?: ((ms: number) => void) | undefined;
  /** A command goes on to the core. */
  commanded?: (commanded: Commanded) => void;
}

export interface GateState {
  clients: number;
  /** Questions that are with the core, and those that wait for a channel. */
  busy: number;
  waiting: number;
  /** Since the start of the hub. */
  requests: number;
  refused: number;
  cacheHits: number;
  cacheMisses: number;
}

/** Refusals, and commands, that are told one by one after a pause: each of those that people cause. */
const TOLD_AT_ONCE = 10;
/** Codes of requests that can be an attempt; one that is empty or late (451) is an accident. */
const ATTEMPTS: ReadonlySet<number> = new Set([400, 413]);

export class Gate implements ClientHost {
  readonly site: GateOptions["site"];
  readonly clock: Clock;
  readonly log: Log;
  readonly flights: Flights;
  readonly #options: GateOptions;
  readonly #channels: Channels;
  readonly #clients: Clients;
  readonly #asking = new Set<Asking>();
  #rules: GateRules;
  #rate: Rate | undefined;
  readonly #refusals: Notices;
  readonly #commands: Notices;
  #requests = 0;
  #refused = 0;

  constructor(options: GateOptions) {
    this.#options = options;
    const { site, limits, clock, log, cache, generation } = options;
    this.site = site;
    this.#rules = options;
    this.clock = clock;
    this.#clients = new Clients(this);
    this.log = log.with({ site: `${site.tenant}/${site.name}` });
    this.#channels = new Channels({ clock, limit: limits.channels, timeout: limits.channelTimeout });
    this.#rate = this.#makeRate();
    this.#refusals = new Notices(clock, TOLD_AT_ONCE);
    this.#commands = new Notices(clock, TOLD_AT_ONCE);
    this.flights = new Flights({
      siteId: site.id,
      cache,
      totals: options.totals,
      generation,
      wall: () => clock.wall(),
      ask: (who, question, events) => this.asking(who, question, events),
    });
  }

  #makeRate(): Rate | undefined {
    const { requestsPerSecond } = this.#rules.policy;
    return requestsPerSecond ? new Rate(this.clock, requestsPerSecond) : undefined;
  }

  /** Other rules, from the next request on. */
  reconfigure(rules: GateRules): void {
    const before = this.#rules;
    this.#rules = rules;
    if (before.policy.requestsPerSecond !== rules.policy.requestsPerSecond) this.#rate = this.#makeRate();
    this.#channels.reconfigure({ limit: rules.limits.channels, timeout: rules.limits.channelTimeout });
  }

  get limits(): GateLimits {
    return this.#rules.limits;
  }

  get longestRequest(): number {
    return this.#rules.policy.longestRequest;
  }

  /** Takes a client's connection, as `Clients` does. */
  serve(socket: Socket, done: () => void, opaque?: () => void): void {
    this.#clients.serve(socket, done, opaque);
  }

  /** Why a request may not go on to the core; undefined when it may. It counts, once. */
  verdict(request: Request, client: string): Refusal | undefined {
    const { totals } = this.#options;
    this.#requests++;
    totals.requests++;
    const refusal =
      this.#rate?.take() === false
        ? new Refusal(429, "the site gets too many requests; try again")
        : judge(this.#rules.policy, request);
    if (refusal) this.#tell(client, "hub", refusal.message, () => describeRequests([request]));
    else if (request.method === "COMMAND") this.#command(client, request);
    return refusal;
  }

  #command(client: string, request: Request): void {
    const { site, totals, commanded } = this.#options;
    totals.commands++;
    this.#commands.note((untold) =>
      commanded?.({ tenant: site.tenant, site: site.name, client, ...describeRequests([request]), untold }),
    );
  }

  malformed({ code, message }: Refusal, client: string): void {
    const what = { request: "a malformed request", user: undefined };
    if (ATTEMPTS.has(code)) this.#tell(client, "hub", message, () => what);
  }

  #tell(client: string, by: Refuser, reason: string, what: () => Description): void {
    this.#refused++;
    const { site, refused, totals } = this.#options;
    totals.refused++;
    this.#refusals.note((untold) => {
      const told = { client, by, ...what(), reason, untold };
      this.log.warn("livestatus request refused", told);
      refused({ tenant: site.tenant, site: site.name, ...told });
    });
  }

  /** Why nothing new can be asked of the core now. */
  get unreachable(): Refusal | undefined {
    const { unreachable, leaving } = this.#options;
    const reason = unreachable() ?? leaving?.();
    return reason === undefined ? undefined : new Refusal(502, reason);
  }

  openUnseen(client: string): Stream | undefined {
    const { open } = this.#options;
    const { policy } = this.#rules;
    if (policy.commands === "all" && policy.tables === "all") return open();
    const what = { request: "TLS with the core itself", user: undefined };
    this.#tell(client, "hub", "what cannot be read here cannot be judged", () => what);
    return undefined;
  }

  /** A question for the core, which the caller starts. */
  asking(who: string, question: Question, events: AnswerEvents): Asking {
    const { open, unreachable, clock, totals, answered } = this.#options;
    const { policy } = this.#rules;
    const asking = new Asking({
      who,
      question,
      events,
      channels: this.#channels,
      open,
      unreachable,
      clock,
      timeout: this.limits.queryTimeout,
      largest: policy.largestAnswer,
      refused: (by, reason) => this.#tell(who, by, reason, () => describeQuestion(question)),
      answered,
      concluded: (whole, ms) => {
        if (whole) totals.answer(ms);
        else totals.failed++;
      },
      over: () => void this.#asking.delete(asking),
    });
    this.#asking.add(asking);
    return asking;
  }

  /** What is known of the site has changed. If it cannot be reached now, nobody waits for its answers. */
  changed(): void {
    const reason = this.#options.unreachable();
    if (reason === undefined) return;
    const refusal = new Refusal(502, reason);
    // an answer that is coming may still come whole: a core that is busy seems dead to others
    for (const asking of [...this.#asking]) if (!asking.begun) asking.fail(refusal);
  }

  get state(): GateState {
    return {
      clients: this.#clients.count,
      busy: this.#channels.busy,
      waiting: this.#channels.waiting,
      requests: this.#requests,
      refused: this.#refused,
      cacheHits: this.flights.hits,
      cacheMisses: this.flights.misses,
    };
  }

  drain(): void {
    this.#clients.drain();
  }

  get underWay(): number {
    return this.#clients.underWay;
  }

  /** The site is withdrawn: ends every client. */
  close(): void {
    this.#clients.close();
  }
}

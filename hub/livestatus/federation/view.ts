/** One endpoint of many sites: a tenant's, or the operators'. It never sees a site that is not its own. */

import type { Socket } from "node:net";
import type { Clock } from "../../../common/clock.ts";
import { Refusal, type Request, RequestReader, wantsFixed16 } from "../../../common/livestatus/index.ts";
import type { Log } from "../../../common/log.ts";
import {
  type AnswerEvents,
  type Answering,
  Cache,
  type Channels,
  type ClientHost,
  type ClientLimits,
  Clients,
  Flights,
  type Question,
  Totals,
} from "../index.ts";
import type { Ask } from "./ask.ts";
import { commandPeer } from "./commands.ts";
import type { Deviations } from "./deviation.ts";
import type { Memory } from "./memory.ts";
import type { Peer } from "./peer.ts";
import { PEER_TABLES, peersTable } from "./peers-table.ts";
import { parseQuery, type Query } from "./query.ts";
import { Run, type RunLimits } from "./run.ts";
import type { SpoolOptions } from "./spool.ts";
import { Turn } from "./turn.ts";

export interface ViewLimits extends ClientLimits, RunLimits {
  clients: number;
  /** Bytes of a request. */
  longestRequest: number;
}

export interface ViewOptions {
  /** Of the tenant; undefined: the operators'. */
  tenant: string | undefined;
  peers: () => readonly Peer[];
  /** Why a request may not go to a site. */
  verdict: (peer: Peer, request: Request, client: string) => Refusal | undefined;
  /** A question to a site, which was found good. */
  asking: (peer: Peer, client: string, question: Question, events: AnswerEvents) => Answering;
  deviations: Deviations;
  memory: Memory;
  spool: () => SpoolOptions;
  /** Queries that are answered at a time, of all views. */
  turns: Channels;
  /** Asked anew for each query. */
  limits: () => ViewLimits;
  clock: Clock;
  log: Log;
}

/** A view never asks by itself, so there is nothing to be kept. */
const NOTHING_KEPT = { entries: 0, bytes: 0 };

export class View implements ClientHost {
  readonly clock: Clock;
  readonly log: Log;
  readonly flights: Flights;
  readonly unreachable = undefined;
  readonly #options: ViewOptions;
  readonly #clients: Clients;

  constructor(options: ViewOptions) {
    this.#options = options;
    const { clock, log, tenant } = options;
    this.clock = clock;
    this.#clients = new Clients(this);
    this.log = log.with(tenant === undefined ? {} : { tenant });
    this.flights = new Flights({
      siteId: 0,
      cache: new Cache(NOTHING_KEPT),
      totals: new Totals(),
      generation: () => undefined,
      wall: () => clock.wall(),
      ask: () => {
        throw new Error("nothing is kept");
      },
    });
  }

  get limits(): ViewLimits {
    return this.#options.limits();
  }

  drain(): void {
    this.#clients.drain();
  }

  get underWay(): number {
    return this.#clients.underWay;
  }

  get longestRequest(): number {
    return this.limits.longestRequest;
  }

  /** Takes a client's connection, as `Clients` does. */
  serve(socket: Socket, done: () => void, opaque?: () => void): void {
    this.#clients.serve(socket, done, opaque);
  }

  /** It was for no site: none has to know. */
  malformed(): void {}

  /** What is not understood cannot be for many sites. */
  openUnseen(): undefined {
    return undefined;
  }

  /** Why a request is refused as a whole. A site may refuse it as well, which then is that site's answer. */
  verdict(request: Request, client: string): Refusal | undefined {
    if (request.method === "COMMAND") {
      const peer = commandPeer(request, this.#options.peers());
      return peer instanceof Refusal ? peer : this.#options.verdict(peer, request, client);
    }
    const query = parseQuery(request);
    if (query instanceof Refusal) return query;
    const { peers } = this.#select(query);
    return query.waits && peers.length !== 1
      ? new Refusal(400, "only one site can be waited for: name it in a line such as Backends: SITE")
      : undefined;
  }

  /**
   * For one who has no connection here, such as the command line; who starts what it gives.
   * @param text a request without the empty line
   */
  query(text: string, who: string, events: AnswerEvents): Answering | Refusal {
    const reader = new RequestReader({ longest: this.longestRequest });
    const bytes = Buffer.from(`${text}\n\n`);
    reader.push(bytes);
    const request = reader.next();
    if (request instanceof Refusal) return request;
    if (request?.method !== "GET" || reader.next())
      return new Refusal(400, "expected one request that begins with GET");
    const refusal = this.verdict(request, who);
    if (refusal) return refusal;
    return this.asking(who, { bytes: [bytes], fixed16: false, halfClose: false, wait: 0 }, events);
  }

  asking(who: string, question: Question, events: AnswerEvents): Answering {
    const { turns, peers, asking } = this.#options;
    return new Turn({
      who,
      question,
      events,
      turns,
      longest: this.limits.longestRequest,
      command: (request, bytes, over) => {
        const peer = commandPeer(request, peers());
        if (peer instanceof Refusal) return over(peer);
        const command = { bytes: [bytes], fixed16: false, halfClose: true, wait: 0 };
        const none = {
          data: () => {},
          whole: () => over(undefined),
          cut: () => over(undefined),
          failed: over,
        };
        return asking(peer, who, command, none).start();
      },
      run: (request, told) => this.#run(request, who, told),
    });
  }

  #run(request: Request, client: string, events: AnswerEvents): Run | Refusal {
    const { asking, verdict, deviations, memory, spool, clock, limits } = this.#options;
    const query = parseQuery(request);
    if (query instanceof Refusal) return query;
    const { peers, missing } = this.#select(query);
    const ask: Ask = (peer, question, told) => {
      const refusal = verdict(peer, request, client);
      return refusal ? refused(refusal, told) : asking(peer, client, question, told);
    };
    try {
      return new Run({
        query,
        peers,
        missing,
        local: PEER_TABLES.has(query.table) ? peersTable(peers, query) : undefined,
        ask,
        deviations,
        memory,
        spool: spool(),
        clock,
        limits: limits(),
        fixed16: wantsFixed16(request),
        events,
        partial: (failed) => {
          const [first] = failed;
          this.log.debug("sites are missing in an answer", {
            client,
            table: query.table,
            count: failed.size,
            first: first?.join(": "),
          });
        },
      });
    } catch (error) {
      if (error instanceof Refusal) return error;
      throw error;
    }
  }

  #select({ backends }: Query): { peers: readonly Peer[]; missing: string[] } {
    const all = this.#options.peers();
    if (!backends) return { peers: all, missing: [] };
    const wanted = new Set(backends);
    const peers = all.filter(({ key }) => wanted.delete(key));
    return { peers, missing: [...wanted] };
  }

  /** Ends every client. */
  close(): void {
    this.#clients.close();
  }
}

function refused(refusal: Refusal, events: AnswerEvents): Answering {
  return { start: () => events.failed(refusal), begun: false, consumed: () => {}, cancel: () => {} };
}

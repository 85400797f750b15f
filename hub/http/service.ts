/** The HTTP-aware service of all sites: what comes to their endpoints goes to their web servers. */

import type { Socket } from "node:net";
import type { Clock } from "../../common/clock.ts";
import type { Drainable } from "../../common/drain.ts";
import type { Log } from "../../common/log.ts";
import type { Stream } from "../../common/mux/index.ts";
import { Client, type ClientLimits } from "./client.ts";
import { syncCallOf } from "./sync.ts";
import type { Syncs } from "./syncs.ts";

/** A site as this folder knows it. */
export interface WebSite {
  id: number;
  tenant: string;
  name: string;
}

export interface HttpLimits extends ClientLimits {
  /** Clients of one site connected at once. */
  clients: number;
}

export interface HttpServiceOptions {
  limits: HttpLimits;
  clock: Clock;
  log: Log;
  syncs: Syncs;
  /** A stream to the site's web server; undefined when there is none now. */
  open: (siteId: number) => Stream | undefined;
  /** Why there is none. */
  unreachable: (siteId: number) => string | undefined;
}

export class HttpService implements Drainable {
  readonly #clients = new Map<number, Set<Client>>();
  #draining = false;

  #limits: HttpLimits;

  constructor(private readonly options: HttpServiceOptions) {
    this.#limits = options.limits;
  }

  /** Other limits, from the next request on. */
  reconfigure(limits: HttpLimits): void {
    this.#limits = limits;
  }

  /** Takes a client's connection to a site; `done` is called when it is gone. */
  serve(site: WebSite, socket: Socket, done: () => void): void {
    const { clock, log, syncs, open, unreachable } = this.options;
    const limits = () => this.#limits;
    const clients = this.#clients.get(site.id) ?? new Set();
    this.#clients.set(site.id, clients);
    const client = new Client(
      socket,
      {
        get limits() {
          return limits();
        },
        clock,
        open: () => open(site.id),
        get unreachable() {
          return unreachable(site.id);
        },
        refused: ({ status, message }, from) =>
          log.debug("http request refused", {
            site: `${site.tenant}/${site.name}`,
            client: from,
            status,
            reason: message,
          }),
        watch: ({ method, target }) => {
          const call = syncCallOf(method, target);
          return call && syncs.begin(site, call);
        },
      },
      () => {
        clients.delete(client);
        if (clients.size === 0) this.#clients.delete(site.id);
        done();
      },
    );
    clients.add(client);
    if (this.#draining) client.drain();
    if (clients.size > this.#limits.clients) client.turnAway("too many clients of this site are connected");
  }

  drain(): void {
    this.#draining = true;
    for (const clients of this.#clients.values()) for (const client of clients) client.drain();
  }

  get underWay(): number {
    let count = 0;
    for (const clients of this.#clients.values()) for (const client of clients) if (client.underWay) count++;
    return count;
  }

  /** The endpoints that are closed take their clients with them. */
  forget(_siteId: number): void {}
}

/** The HTTP-aware service of all sites: what comes to their endpoints goes to their web servers. */

import type { Socket } from "node:net";
import type { Clock } from "../../common/clock.ts";
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

export class HttpService {
  readonly #clients = new Map<number, number>();

  constructor(private readonly options: HttpServiceOptions) {}

  /** Takes a client's connection to a site; `done` is called when it is gone. */
  serve(site: WebSite, socket: Socket, done: () => void): void {
    const { limits, clock, log, syncs, open, unreachable } = this.options;
    const count = (this.#clients.get(site.id) ?? 0) + 1;
    this.#clients.set(site.id, count);
    const client = new Client(
      socket,
      {
        limits,
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
        const left = (this.#clients.get(site.id) ?? 1) - 1;
        if (left > 0) this.#clients.set(site.id, left);
        else this.#clients.delete(site.id);
        done();
      },
    );
    if (count > limits.clients) client.turnAway("too many clients of this site are connected");
  }

  /** The endpoints that are closed take their clients with them. */
  forget(_siteId: number): void {}
}

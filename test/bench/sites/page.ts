/** A page of Checkmk's GUI: ten queries, each to all sites at once, whose answers are read site after site. */

import { LivestatusConnection, type Target } from "../../lab/livestatus.ts";
import { QUERY, statusProbe } from "../exchanges.ts";

/** Queries of a page behind the one that asks whether a site is there. */
const QUERIES = 9;
/** ms: no answer takes so long, unless something is wrong. */
const LIMIT = 60_000;

/** A GUI's process: it keeps a connection to each site. */
export class Gui {
  readonly #connections: readonly LivestatusConnection[];

  constructor(sites: readonly Target[]) {
    this.#connections = sites.map((site) => new LivestatusConnection(site, { timeoutMs: LIMIT }));
  }

  /** Builds a page; gives how long that took, in ms, and how many sites said that they are dead. */
  async page(): Promise<{ took: number; dead: number }> {
    const from = performance.now();
    let alive = this.#connections;
    for (let count = 0; count <= QUERIES; count++) {
      const { request } = count === 0 ? statusProbe() : QUERY;
      for (const connection of alive) connection.send(request);
      const answered: LivestatusConnection[] = [];
      for (const connection of alive) {
        // a site that gives an error is left out from then on
        if ((await connection.response()).code === 200) answered.push(connection);
      }
      alive = answered;
    }
    return { took: performance.now() - from, dead: this.#connections.length - alive.length };
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }
}

/** Wires the services in which the hub understands HTTP. */

import type { Clock } from "../../common/clock.ts";
import type { Log } from "../../common/log.ts";
import { BULK, INTERACTIVE } from "../../common/mux/index.ts";
import { BULK_SERVICES, type HubConfig } from "../config.ts";
import { HttpService, Syncs } from "../http/index.ts";
import type { TunnelledSites } from "../tunnel/index.ts";

export interface HttpParts {
  sites: TunnelledSites;
  clock: Clock;
  log: Log;
}

export function openHttp(
  { http, compress }: HubConfig,
  { sites, clock, log }: HttpParts,
): { syncs: Syncs; served: [string, HttpService][] } {
  const syncs = new Syncs({ clock, log, most: http.syncs });
  const limits = {
    headTimeout: http.head_seconds * 1000,
    idleTimeout: http.idle_seconds * 1000,
    answerTimeout: http.answer_seconds * 1000,
    clients: http.clients,
  };
  const serviceOf = (name: string) => {
    const priority = BULK_SERVICES.has(name) ? BULK : INTERACTIVE;
    const packed = compress.includes(name);
    return new HttpService({
      limits,
      clock,
      log,
      syncs,
      open: (siteId) => sites.open(siteId, name, priority, packed),
      unreachable: (siteId) => sites.unreachable(siteId),
    });
  };
  return { syncs, served: http.services.map((name) => [name, serviceOf(name)]) };
}

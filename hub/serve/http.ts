/** Wires the services in which the hub understands HTTP. */

import type { Clock } from "../../common/clock.ts";
import { type Reconfigurable, switched } from "../../common/config/index.ts";
import type { Log } from "../../common/log.ts";
import { BULK, INTERACTIVE } from "../../common/mux/index.ts";
import { BULK_SERVICES, type HubConfig } from "../config/index.ts";
import type { EndpointsOptions } from "../endpoint/index.ts";
import { type HttpLimits, HttpService, Syncs } from "../http/index.ts";

export interface HttpParts {
  open: EndpointsOptions["open"];
  /** Why a site cannot be asked now; undefined when it can. */
  unreachable: (siteId: number) => string | undefined;
  /** Whether a service's data is compressed on its way. */
  packed: (service: string) => boolean;
  clock: Clock;
  log: Log;
}

export interface Http {
  syncs: Syncs;
  served: [string, HttpService][];
  part: Reconfigurable<HubConfig>;
}

const LIMITS = ["head_seconds", "idle_seconds", "answer_seconds", "clients", "syncs"];

export function openHttp({ http }: HubConfig, parts: HttpParts): Http {
  const { open, unreachable, packed, clock, log } = parts;
  const syncs = new Syncs({ clock, log, most: http.syncs });
  const serviceOf = (name: string) => {
    const priority = BULK_SERVICES.has(name) ? BULK : INTERACTIVE;
    return new HttpService({
      limits: limitsOf(http),
      clock,
      log,
      syncs,
      open: (siteId) => open(siteId, name, priority, packed(name)),
      unreachable,
    });
  };
  const served = http.services.map((name): [string, HttpService] => [name, serviceOf(name)]);
  const part = switched<HubConfig>(
    LIMITS.map((key) => `http.${key}`),
    (changed) => {
      syncs.reconfigure(changed.http.syncs);
      for (const [, service] of served) service.reconfigure(limitsOf(changed.http));
    },
  );
  return { syncs, served, part };
}

function limitsOf(http: HubConfig["http"]): HttpLimits {
  return {
    headTimeout: http.head_seconds * 1000,
    idleTimeout: http.idle_seconds * 1000,
    answerTimeout: http.answer_seconds * 1000,
    clients: http.clients,
  };
}

/** How much has gone through the tunnels since the hub's start: by site and service. */

import type { Traffic } from "../../common/mux/index.ts";
import type { Site } from "../registry/index.ts";

/** What stands for every service that is not among those known: an agent may open streams of any name. */
export const OTHER = "other";

export interface SiteTraffic {
  tenant: string;
  /** Undefined: of sites that are gone. */
  siteId: number | undefined;
  service: string;
  traffic: Readonly<Traffic>;
}

type Counted = Pick<Site, "id" | "tenant">;

export class TrafficCount {
  readonly #sites = new Map<number, { tenant: string; services: Map<string, Traffic> }>();
  /** Of sites that are gone, by tenant: what was counted never gets less. */
  readonly #gone = new Map<string, Map<string, Traffic>>();

  /** @param known services that are counted by themselves */
  constructor(private readonly known: ReadonlySet<string>) {}

  /** Where the bytes of a site's service are counted. */
  of({ id, tenant }: Counted, service: string): Traffic {
    let site = this.#sites.get(id);
    if (!site) {
      site = { tenant, services: new Map() };
      this.#sites.set(id, site);
    }
    return trafficIn(site.services, this.known.has(service) ? service : OTHER);
  }

  /** The site is gone for good. */
  forget(siteId: number): void {
    const site = this.#sites.get(siteId);
    if (!site) return;
    this.#sites.delete(siteId);
    const gone = this.#gone.get(site.tenant) ?? new Map<string, Traffic>();
    this.#gone.set(site.tenant, gone);
    for (const [service, traffic] of site.services) {
      const sum = trafficIn(gone, service);
      sum.received += traffic.received;
      sum.sent += traffic.sent;
    }
  }

  *all(): Generator<SiteTraffic> {
    for (const [siteId, { tenant, services }] of this.#sites) {
      for (const [service, traffic] of services) yield { tenant, siteId, service, traffic };
    }
    for (const [tenant, services] of this.#gone) {
      for (const [service, traffic] of services) yield { tenant, siteId: undefined, service, traffic };
    }
  }
}

function trafficIn(services: Map<string, Traffic>, service: string): Traffic {
  let traffic = services.get(service);
  if (!traffic) {
    traffic = { received: 0, sent: 0 };
    services.set(service, traffic);
  }
  return traffic;
}

/** What is told of each tenant and each site, where `[metrics]` asks for it: for those who may see all of them. */

import type { SiteRecord } from "../livestatus/index.ts";
import { counter, type Family, gauge, type Sample } from "./exposition.ts";
import type { Sources } from "./sources.ts";

export type Labels = "none" | "tenant" | "site";

/** Nothing with `none`; of tenants with both others. */
export function labelledFamilies(sources: Sources, labels: Labels): Family[] {
  if (labels === "none") return [];
  const records = sources.sites.records();
  return [...tenants(sources, records), ...(labels === "site" ? sites(sources, records) : [])];
}

function tenants({ tunnels, livestatus, inbox }: Sources, records: readonly SiteRecord[]): Family[] {
  const states = new Sums();
  const letters = new Sums();
  for (const { site, current } of records) {
    states.add({ tenant: site.tenant, state: current.state }, 1);
    letters.add({ tenant: site.tenant }, waiting(inbox.status(site)));
  }
  const bytes = new Sums();
  for (const { tenant, traffic } of tunnels.streams.all()) {
    bytes.add({ tenant, direction: "from_site" }, traffic.received);
    bytes.add({ tenant, direction: "to_site" }, traffic.sent);
  }
  const requests = [...livestatus.totals].map(([tenant, totals]) => ({
    labels: { tenant },
    value: totals.requests,
  }));
  return [
    gauge("farsite_tenant_sites", "Sites of a tenant by state", states.samples),
    counter("farsite_tenant_stream_bytes_total", "Bytes that its sites' streams carried", bytes.samples),
    counter(
      "farsite_tenant_livestatus_requests_total",
      "Requests of its sites' Livestatus clients",
      requests,
    ),
    gauge(
      "farsite_tenant_inbox_letters",
      "Letters of its sites that a sink does not have yet",
      letters.samples,
    ),
  ];
}

function sites({ tunnels, livestatus, inbox }: Sources, records: readonly SiteRecord[]): Family[] {
  const of = (value: (record: SiteRecord) => number | undefined): Sample[] =>
    records.flatMap((record) => {
      const found = value(record);
      return found === undefined ? [] : [{ value: found, labels: labelsOf(record) }];
    });
  const bytes = new Sums();
  const known = new Map(records.map((record) => [record.site.id, labelsOf(record)]));
  for (const { siteId, traffic } of tunnels.streams.all()) {
    const labels = siteId === undefined ? undefined : known.get(siteId);
    if (!labels) continue;
    bytes.add({ ...labels, direction: "from_site" }, traffic.received);
    bytes.add({ ...labels, direction: "to_site" }, traffic.sent);
  }
  return [
    gauge(
      "farsite_site_online",
      "1 while a site is online, else 0",
      of(({ current }) => (current.state === "online" ? 1 : 0)),
    ),
    gauge(
      "farsite_site_rtt_seconds",
      "Round-trip time of its carrier",
      of(({ site }) => seconds(tunnels.state(site.id).rtt)),
    ),
    gauge(
      "farsite_site_streams",
      "Streams open in its tunnel",
      of(({ site }) => tunnels.state(site.id).streams),
    ),
    counter("farsite_site_stream_bytes_total", "Bytes that its streams carried", bytes.samples),
    counter(
      "farsite_site_livestatus_requests_total",
      "Requests of its Livestatus clients",
      of(({ site }) => livestatus.state(site)?.requests),
    ),
    counter(
      "farsite_site_livestatus_refused_total",
      "Those that were not let through",
      of(({ site }) => livestatus.state(site)?.refused),
    ),
    gauge(
      "farsite_site_inbox_letters",
      "Its letters that a sink does not have yet",
      of(({ site }) => waiting(inbox.status(site))),
    ),
  ];
}

function labelsOf({ site }: SiteRecord): { tenant: string; site: string } {
  return { tenant: site.tenant, site: site.name };
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000;
}

function waiting(boxes: readonly { waiting: number }[]): number {
  return boxes.reduce((letters, box) => letters + box.waiting, 0);
}

/** Sums by labels. */
class Sums {
  readonly #sums = new Map<string, { labels: Record<string, string>; value: number }>();

  add(labels: Record<string, string>, value: number): void {
    const key = JSON.stringify(labels);
    const sum = this.#sums.get(key);
    if (sum) sum.value += value;
    else this.#sums.set(key, { labels, value });
  }

  get samples(): Sample[] {
    return [...this.#sums.values()];
  }
}

/** Sources that a test fills in, and a reader of what Prometheus is given, written apart from the writer. */

import type { Traffic } from "../../../common/mux/index.ts";
import type { LaneCounts } from "../../../hub/inbox/index.ts";
import { type SiteRecord, Totals } from "../../../hub/livestatus/index.ts";
import { Handshakes, type Sources } from "../../../hub/metrics/index.ts";
import type { Site } from "../../../hub/registry/index.ts";
import type { SiteState, SiteTraffic } from "../../../hub/tunnel/index.ts";

export interface FakeSite {
  tenant: string;
  name: string;
  state?: SiteRecord["current"]["state"];
  tunnel?: Partial<SiteState>;
  traffic?: Record<string, Traffic>;
  letters?: number;
  requests?: number;
}

/** Sources of a hub with these sites. */
export function sourcesOf(fakes: readonly FakeSite[], rest: Partial<Sources> = {}): Sources {
  const sites = fakes.map((fake, at): Site & { fake: FakeSite } => ({
    id: at + 1,
    tenant: fake.tenant,
    name: fake.name,
    address: `127.64.0.${at + 1}`,
    enabled: true,
    services: ["livestatus"],
    lastSeen: undefined,
    key: undefined,
    host: undefined,
    fake,
  }));
  const of = (siteId: number) => sites.find(({ id }) => id === siteId)?.fake;
  const totals = new Map<string, Totals>();
  for (const { tenant, fake } of sites) {
    const own = totals.get(tenant) ?? new Totals();
    own.requests += fake.requests ?? 0;
    totals.set(tenant, own);
  }
  const letters = (fake: FakeSite | undefined) => fake?.letters ?? 0;
  const lanes = new Map<string, LaneCounts>([
    [
      "notify",
      {
        waiting: fakes.reduce((sum, fake) => sum + letters(fake), 0),
        bytes: 0,
        stuck: 0,
        received: 0,
        refused: 0,
        sinks: new Map([["central", { landed: 0, failed: 0, blocked: 0 }]]),
      },
    ],
  ]);
  return {
    version: "1.2.3",
    started: 0,
    sites: {
      records: () =>
        sites.map((site) => ({
          site,
          current: { state: site.fake.state ?? "online", since: 0 },
          failure: undefined,
        })),
    },
    tunnels: {
      state: (siteId) => ({ state: "connected", since: 0, streams: 0, offers: [], ...of(siteId)?.tunnel }),
      counts: { sessions: 0, ended: 0, carriers: 0, carriersLost: 0 },
      streams: {
        all: () =>
          sites.flatMap(({ id, tenant, fake }): SiteTraffic[] =>
            Object.entries(fake.traffic ?? {}).map(([service, traffic]) => ({
              tenant,
              siteId: id,
              service,
              traffic,
            })),
          ),
      },
    },
    handshakes: new Handshakes(),
    admission: { open: 0, turnedAway: 0 },
    livestatus: {
      totals,
      now: { clients: 0, busy: 0, waiting: 0, cacheEntries: 0, cacheBytes: 0 },
      state: (site) => ({
        clients: 0,
        busy: 0,
        waiting: 0,
        requests: of(site.id)?.requests ?? 0,
        refused: 0,
        cacheHits: 0,
        cacheMisses: 0,
        cacheEntries: 0,
        cacheBytes: 0,
      }),
    },
    inbox: {
      lanes: () => lanes,
      status: (site) => [
        {
          lane: "notify",
          waiting: letters(of(site.id)),
          bytes: 0,
          received: 0,
          receivedPerMinute: 0,
          refused: 0,
          damaged: 0,
          oldest: undefined,
          problem: undefined,
          sinks: [],
        },
      ],
    },
    endpoints: { states: () => [] },
    refused: () => ({ central: 0, service: 0, viewer: 0, inbox: 0 }),
    audit: () => ({ newest: 0, failures: 0 }),
    certificateEnds: () => 1_800_000_000_000,
    ...rest,
  };
}

export interface Read {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/**
 * Samples of a text in Prometheus' format, line by line as its description has it. Throws where a line is not of that
 * form, a family is not announced, or one comes twice.
 */
export function read(text: string): Read[] {
  if (!text.endsWith("\n")) throw new Error("the last line must end");
  const families = new Map<string, string>();
  const seen = new Set<string>();
  const samples: Read[] = [];
  for (const line of text.slice(0, -1).split("\n")) {
    const type = /^# TYPE ([a-z_:][a-z0-9_:]*) (counter|gauge|histogram)$/.exec(line);
    if (type) {
      if (families.has(type[1] ?? "")) throw new Error(`twice: ${line}`);
      families.set(type[1] ?? "", type[2] ?? "");
      continue;
    }
    if (/^# HELP [a-z_:][a-z0-9_:]* \S/.test(line)) continue;
    const [, name = "", , inner = "", value = ""] =
      /^([a-z_:][a-z0-9_:]*)(\{(.*)\})? (-?[0-9.e+-]+)$/.exec(line) ?? [];
    if (name === "") throw new Error(`no sample: ${line}`);
    const family = name.replace(/_(bucket|sum|count)$/, "");
    if (!families.has(name) && families.get(family) !== "histogram")
      throw new Error(`not announced: ${line}`);
    const labels = labelsIn(inner);
    const key = `${name} ${JSON.stringify(Object.entries(labels).sort())}`;
    if (seen.has(key)) throw new Error(`the same twice: ${line}`);
    seen.add(key);
    samples.push({ name, labels, value: Number(value) });
  }
  return samples;
}

function labelsIn(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  let rest = text;
  while (rest !== "") {
    const [whole = "", name = "", value = ""] = /^([a-z_]+)="((?:[^"\\\n]|\\["\\n])*)",?/.exec(rest) ?? [];
    if (whole === "") throw new Error(`no label: ${rest}`);
    labels[name] = value.replace(/\\(.)/g, (_, sign: string) => (sign === "n" ? "\n" : sign));
    rest = rest.slice(whole.length);
  }
  return labels;
}

/** The value of one sample; undefined: there is none. */
export function sampleOf(
  samples: readonly Read[],
  name: string,
  labels: Record<string, string> = {},
): number | undefined {
  return samples.find(
    (each) =>
      each.name === name && Object.entries(labels).every(([key, value]) => each.labels[key] === value),
  )?.value;
}

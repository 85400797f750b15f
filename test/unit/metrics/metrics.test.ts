import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FakeClock } from "../../../common/clock.ts";
import { FarsiteError } from "../../../common/errors.ts";
import { Totals } from "../../../hub/livestatus/index.ts";
import { Handshakes, metricsApp, type Sources } from "../../../hub/metrics/index.ts";
import { type FakeSite, read, sampleOf, sourcesOf } from "./rig.ts";

const TWO: FakeSite[] = [
  {
    tenant: "acme",
    name: "main",
    tunnel: { carrier: "websocket", rtt: 20, streams: 3 },
    traffic: { livestatus: { received: 100, sent: 10 }, other: { received: 1, sent: 2 } },
    letters: 4,
    requests: 7,
  },
  { tenant: "acme", name: "two", state: "down", tunnel: { state: "disconnected" } },
  {
    tenant: "beta",
    name: "main",
    tunnel: { carrier: "https", rtt: 500, streams: 1 },
    traffic: { livestatus: { received: 1_000, sent: 2_000 } },
    letters: 1,
    requests: 5,
  },
];

async function text(sources: Sources, labels?: "none" | "tenant" | "site"): Promise<string> {
  const app = metricsApp({ sources, clock: new FakeClock(), ...(labels && { labels }) });
  const response = await app.request("/");
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  return response.text();
}

test("the hub as a whole is counted over all sites", async () => {
  const samples = read(await text(sourcesOf(TWO)));
  const value = (name: string, labels = {}) => sampleOf(samples, name, labels);
  expect(value("farsite_sites", { state: "online" })).toBe(2);
  expect(value("farsite_sites", { state: "down" })).toBe(1);
  expect(value("farsite_sites", { state: "disabled" })).toBe(0);
  expect(value("farsite_tunnels", { carrier: "websocket" })).toBe(1);
  expect(value("farsite_tunnels", { carrier: "https" })).toBe(1);
  expect(value("farsite_streams")).toBe(4);
  expect(value("farsite_stream_bytes_total", { service: "livestatus", direction: "from_site" })).toBe(1_100);
  expect(value("farsite_stream_bytes_total", { service: "other", direction: "to_site" })).toBe(2);
  expect(value("farsite_rtt_seconds", { percentile: "50" })).toBe(0.02);
  expect(value("farsite_rtt_seconds", { percentile: "99" })).toBe(0.5);
  expect(value("farsite_inbox_letters", { lane: "notify" })).toBe(5);
  expect(value("farsite_livestatus_requests_total")).toBe(12);
  expect(value("farsite_certificate_end_timestamp_seconds")).toBe(1_800_000_000);
  expect(value("farsite_build_info", { version: "1.2.3" })).toBe(1);
  expect(value("process_resident_memory_bytes")).toBeGreaterThan(1e6);
});

test("nobody is named unless it is asked for", async () => {
  const plain = await text(sourcesOf(TWO));
  expect(plain).not.toMatch(/acme|beta|main|tenant/);
  const tenants = await text(sourcesOf(TWO), "tenant");
  expect(tenants).toMatch(/acme/);
  expect(tenants).not.toMatch(/main|farsite_site_/);
});

describe("what is told of tenants and sites", () => {
  const samples = async () => read(await text(sourcesOf(TWO), "site"));

  test("is each one's own, and all of them together are the hub's", async () => {
    const all = await samples();
    const value = (name: string, labels = {}) => sampleOf(all, name, labels);
    expect(value("farsite_tenant_sites", { tenant: "acme", state: "down" })).toBe(1);
    expect(value("farsite_tenant_sites", { tenant: "beta", state: "down" })).toBeUndefined();
    expect(value("farsite_tenant_stream_bytes_total", { tenant: "acme", direction: "from_site" })).toBe(101);
    expect(value("farsite_tenant_stream_bytes_total", { tenant: "beta", direction: "from_site" })).toBe(
      1_000,
    );
    expect(value("farsite_tenant_livestatus_requests_total", { tenant: "beta" })).toBe(5);
    expect(value("farsite_site_online", { tenant: "acme", site: "two" })).toBe(0);
    expect(value("farsite_site_rtt_seconds", { tenant: "beta", site: "main" })).toBe(0.5);
    expect(value("farsite_site_rtt_seconds", { tenant: "acme", site: "two" })).toBeUndefined();
    // two tenants have a site of the same name
    expect(value("farsite_site_inbox_letters", { tenant: "acme", site: "main" })).toBe(4);
    expect(value("farsite_site_inbox_letters", { tenant: "beta", site: "main" })).toBe(1);
    const sum = (name: string, labels: Record<string, string> = {}) =>
      all
        .filter(
          (each) =>
            each.name === name && Object.entries(labels).every(([key, of]) => each.labels[key] === of),
        )
        .reduce((total, each) => total + each.value, 0);
    for (const direction of ["from_site", "to_site"]) {
      const whole = sum("farsite_stream_bytes_total", { direction });
      expect(sum("farsite_tenant_stream_bytes_total", { direction })).toBe(whole);
      expect(sum("farsite_site_stream_bytes_total", { direction })).toBe(whole);
    }
    expect(sum("farsite_tenant_inbox_letters")).toBe(sum("farsite_inbox_letters"));
    expect(sum("farsite_site_livestatus_requests_total")).toBe(sum("farsite_livestatus_requests_total"));
  });

  test("names a tenant with every site, and no sample has another's", async () => {
    for (const { name, labels } of await samples()) {
      if (!name.startsWith("farsite_site_") && !name.startsWith("farsite_tenant_")) continue;
      expect(["acme", "beta"]).toContain(labels.tenant);
      if (labels.tenant === "beta") expect(labels.site ?? "main").toBe("main");
    }
  });

  test("of a hub with many is as much as the page says", async () => {
    const many = Array.from({ length: 300 }, (_, at) => ({
      ...TWO[0],
      tenant: `t${at % 30}`,
      name: `s${at}`,
      traffic: { livestatus: { received: 1, sent: 1 } },
    })) as FakeSite[];
    const count = async (labels: "none" | "tenant" | "site") =>
      read(await text(sourcesOf(many), labels)).length;
    const [none, tenant, site] = [await count("none"), await count("tenant"), await count("site")];
    expect(none).toBeLessThan(150);
    expect(tenant - none).toBeLessThanOrEqual(30 * 11);
    expect(site - tenant).toBeLessThanOrEqual(300 * 8);
  });
});

test("a label may hold any sign, and begins neither a line nor another label", async () => {
  const sign = 'a"b\\c\n# HELP farsite_x y\nd="1"} 1';
  const samples = read(await text(sourcesOf([{ tenant: sign, name: sign }]), "site"));
  expect(sampleOf(samples, "farsite_site_online", { tenant: sign, site: sign })).toBe(1);
});

test("handshakes are counted by what came of them", async () => {
  const handshakes = new Handshakes();
  handshakes.concluded(undefined);
  handshakes.concluded(undefined);
  handshakes.concluded(new FarsiteError("E_KEY_REVOKED", "x").code);
  handshakes.enrolments++;
  const samples = read(await text(sourcesOf([], { handshakes })));
  expect(sampleOf(samples, "farsite_handshakes_total", { result: "ok" })).toBe(2);
  expect(sampleOf(samples, "farsite_handshakes_total", { result: "E_KEY_REVOKED" })).toBe(1);
  expect(sampleOf(samples, "farsite_enrolments_total")).toBe(1);
});

test("the latency of queries is a histogram: each bucket has those before it", async () => {
  const totals = new Totals();
  for (const ms of [1, 5, 6, 700, 40_000]) totals.answer(ms);
  const sources = sourcesOf([]);
  const samples = read(
    await text({ ...sources, livestatus: { ...sources.livestatus, totals: new Map([["acme", totals]]) } }),
  );
  const bucket = (le: string) => sampleOf(samples, "farsite_livestatus_query_seconds_bucket", { le });
  expect([bucket("0.005"), bucket("0.01"), bucket("0.5"), bucket("1"), bucket("30"), bucket("+Inf")]).toEqual(
    [2, 3, 3, 4, 4, 5],
  );
  expect(sampleOf(samples, "farsite_livestatus_query_seconds_count")).toBe(5);
  expect(sampleOf(samples, "farsite_livestatus_query_seconds_sum")).toBeCloseTo(40.712);
});

test("logins are told where there is a web interface, and not where there is none", async () => {
  expect(await text(sourcesOf([]))).not.toContain("farsite_logins_total");
  const samples = read(await text(sourcesOf([], { logins: () => ({ ok: 3, failed: 1 }) })));
  expect(sampleOf(samples, "farsite_logins_total", { result: "failed" })).toBe(1);
});

test("who asks again within a second is given the same, and the sites are not gone through again", async () => {
  let gathered = 0;
  const sources = sourcesOf(TWO);
  const records = () => {
    gathered++;
    return sources.sites.records();
  };
  const counting = { ...sources, sites: { records } };
  const clock = new FakeClock();
  const app = metricsApp({ sources: counting, clock });
  for (let round = 0; round < 100; round++) await app.request("/");
  const once = gathered;
  clock.advance(1_000);
  await app.request("/");
  expect([once > 0, gathered]).toEqual([true, 2 * once]);
});

/** Names of our metrics in a text. */
const named = (page: string) =>
  new Set(
    [...page.matchAll(/\b((?:farsite|process)_[a-z0-9_]+[a-z0-9])\b/g)].map(([, name = ""]) =>
      name.replace(/_(bucket|sum|count)$/, ""),
    ),
  );

const ROOT = join(import.meta.dirname, "../../..");
const file = (path: string) => readFileSync(join(ROOT, path), "utf8");
const everything = async () => {
  const all = await text(sourcesOf(TWO, { logins: () => ({ ok: 0, failed: 0 }) }), "site");
  return new Set([...all.matchAll(/^# TYPE (\S+)/gm)].map(([, name = ""]) => name));
};

test.each(["packaging/monitoring/grafana-dashboard.json", "packaging/monitoring/prometheus-rules.yml"])(
  "%s uses only what there is",
  async (path) => {
    const used = [...named(file(path))].filter((name) => name !== "farsite_hub");
    expect(used.length).toBeGreaterThan(10);
    const known = await everything();
    expect(used.filter((name) => !known.has(name))).toEqual([]);
  },
);

test("the dashboard shows everything that is told of the hub as a whole", async () => {
  const shown = named(file("packaging/monitoring/grafana-dashboard.json"));
  const told = [...(await everything())].filter((name) => !/^farsite_(tenant|site)_|_logins_/.test(name));
  expect(told.filter((name) => !shown.has(name))).toEqual([]);
});

test("the dashboard's panels lie beside each other, and none over another", () => {
  interface Panel {
    title: string;
    gridPos: { x: number; y: number; w: number; h: number };
  }
  const { panels } = JSON.parse(file("packaging/monitoring/grafana-dashboard.json")) as { panels: Panel[] };
  expect(panels.length).toBeGreaterThan(20);
  const taken = new Map<string, string>();
  for (const { title, gridPos } of panels) {
    expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        expect([title, taken.get(`${x} ${y}`)]).toEqual([title, undefined]);
        taken.set(`${x} ${y}`, title);
      }
  }
});

test("monitoring.md explains every metric, and every alert", async () => {
  const page = file("docs/monitoring.md");
  const explained = new Set(
    [...page.matchAll(/^\| `((?:farsite|process)_[a-z_]+)`/gm)].map(([, name = ""]) => name),
  );
  expect([...explained].sort()).toEqual([...(await everything())].sort());
  const alerts = [...file("packaging/monitoring/prometheus-rules.yml").matchAll(/- alert: (\w+)/g)].map(
    ([, name]) => name,
  );
  expect([...page.matchAll(/^\| `(Farsite\w+)`/gm)].map(([, name]) => name)).toEqual(alerts);
});

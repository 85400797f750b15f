import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { AgentStatus } from "../../../agent/status.ts";
import type { EndpointState } from "../../../hub/endpoint/index.ts";
import type { HubStatus, SiteDetails, SiteView } from "../../../hub/hub.ts";
import manifest from "../../../package.json" with { type: "json" };
import { FarsiteLab, freePort, type TestAgent } from "../../lab/farsite.ts";
import { Client, placesOf } from "../client.ts";
import { manners, PROBED_ONCE, Target } from "../target.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());

const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const KEY = expect.stringMatching(/^[0-9a-f]{16}$/);
const USUAL = { broker: 5672, "cmk-agent": 6556, ec: 6558, http: 5000, livestatus: 6557, notify: 6555 };
const NAMES = Object.keys(USUAL);
const tenants = ["acme", "globex"];

const hub = await lab.startHub();
const targets = await Promise.all(
  tenants.map((name) => Target.start(manners.core(`core of ${name}`), lab.cleanup)),
);
const dead = `tcp:127.0.0.1:${await freePort()}`;
/** What a tenant's core says of itself. */
const online = (tenant: string) => ({
  state: "online",
  since: ISO,
  core: {
    started: 1_790_000_000,
    pid: 4711,
    program: `core of ${tenant}`,
    livestatus: `core of ${tenant}`,
    hosts: 1,
    services: 2,
  },
});
const agents: TestAgent[] = [];
for (const [index, tenant] of tenants.entries()) {
  const services = { livestatus: targets[index]!.name, http: dead };
  agents.push(await lab.connect(hub, `${tenant}/main`, { services, ...PROBED_ONCE }));
}

describe("two tenants with the same site ID", () => {
  test("have addresses and sockets of their own", async () => {
    const endpoints = await hub.endpoints();
    const places = endpoints.flatMap((each) => [`${each.address}:${each.port}`, each.socket]);
    expect(new Set(places).size).toBe(2 * tenants.length * NAMES.length);
    const addresses = tenants.map((tenant) => endpoints.find((each) => each.tenant === tenant)?.address);
    expect(new Set(addresses).size).toBe(2);
  });

  test("each reach their own target, and no other", async () => {
    for (const [index, tenant] of tenants.entries()) {
      const before = targets.map((target) => target.total);
      for (const place of Object.values(placesOf(await hub.endpoint(`${tenant}/main`, "livestatus")))) {
        const client = await Client.to(place).send("GET status\n\n");
        expect((await client.all()).toString()).toBe(`core of ${tenant}`);
      }
      const after = targets.map((target, at) => target.total - before[at]!);
      expect(after).toEqual(tenants.map((_, at) => (at === index ? 2 : 0)));
    }
  });

  test("at an address that no site has, nobody answers", async () => {
    const { address } = await hub.endpoint("globex/main", "livestatus");
    const beyond = address.replace(/\d+$/, (last) => String(Number(last) + 1));
    const client = Client.to({ host: beyond, port: USUAL.livestatus });
    expect((await client.over()).broken).toBe("ECONNREFUSED");
  });
});

describe("who may open what", () => {
  const mode = (...path: string[]) => statSync(join(...path)).mode & 0o777;

  // what the user who runs this takes from everything that is made
  const folder = 0o750 & ~process.umask();

  test("each tenant's folders and sockets are for the hub's user and group only", () => {
    for (const tenant of tenants) {
      expect(mode(hub.runDir, tenant)).toBe(folder);
      expect(mode(hub.runDir, tenant, "main")).toBe(folder);
      const sockets = readdirSync(join(hub.runDir, tenant, "main"));
      expect(sockets.sort()).toEqual(NAMES.map((name) => `${name}.sock`));
      for (const name of sockets) {
        const path = join(hub.runDir, tenant, "main", name);
        expect(statSync(path).isSocket()).toBe(true);
        expect(mode(path)).toBe(0o660);
      }
    }
  });

  test("the admin socket is for the hub's user only, the status socket for the agent's group", () => {
    expect(mode(hub.runDir, "admin.sock")).toBe(0o600);
    expect(mode(agents[0]!.runDir, "status.sock")).toBe(0o660);
  });

  test("state is for its owner only", () => {
    for (const install of [hub, ...agents]) expect(mode(install.stateDir)).toBe(0o700);
    expect(mode(hub.stateDir, "tls-key.pem")).toBe(0o600);
    expect(mode(agents[0]!.stateDir, "hub.json")).toBe(0o600);
  });
});

describe("what scripts read", () => {
  const site = (tenant: string) => ({
    tenant,
    site: "main",
    address: expect.stringMatching(/^127\.\d+\.\d+\.\d+$/),
    services: NAMES,
    enrolled: true,
    key: { id: KEY, since: ISO },
    central: [],
    inbox: [],
    state: "connected",
    since: ISO,
    lastSeen: ISO,
    peer: "127.0.0.1",
    carrier: "websocket",
    streams: 0,
    agent: { version: manifest.version, host: expect.any(String), clockSkew: expect.any(Number) },
    offers: ["livestatus", "http"],
    livestatus: online(tenant),
  });
  /** The round-trip time is there once it was measured. */
  const withoutRtt = ({ rtt, requests, ...rest }: SiteView) => {
    if (rtt !== undefined) expect(rtt).toBeGreaterThan(0);
    // what earlier tests have asked
    if (requests !== undefined) expect(requests.requests).toBeGreaterThan(0);
    return rest;
  };

  test("farsite-hub status --json", async () => {
    const { hub: self, sites } = await hub.json<HubStatus>("status");
    expect(self).toEqual({
      version: manifest.version,
      url: hub.url,
      since: ISO,
      key: expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/),
      sites: 2,
      connected: 2,
      online: 2,
      files: { open: expect.any(Number), limit: expect.any(Number) },
    });
    expect(sites.map(withoutRtt)).toEqual(tenants.map(site));
  });

  test("farsite-hub endpoints --json", async () => {
    const endpoints = await hub.json<EndpointState[]>("endpoints");
    const { address } = await hub.site("globex/main");
    // those of all sites of a tenant, and of all tenants, stand behind
    const many = ["acme", "globex", "*"].map((tenant) => ({
      tenant,
      site: "*",
      service: "livestatus",
      socket: join(hub.runDir, tenant === "*" ? "" : tenant, "livestatus.sock"),
      state: "listening",
      clients: 0,
    }));
    expect(endpoints.splice(tenants.length * NAMES.length)).toEqual(expect.arrayContaining(many));
    expect(endpoints).toHaveLength(tenants.length * NAMES.length);
    for (const [service, port] of Object.entries(USUAL)) {
      expect(endpoints).toContainEqual({
        tenant: "globex",
        site: "main",
        service,
        address,
        port,
        socket: join(hub.runDir, "globex/main", `${service}.sock`),
        state: "listening",
        clients: 0,
      });
    }
  });

  test("farsite-hub tenant list, site list and site show --json", async () => {
    expect(await hub.json("tenant", "list")).toEqual(tenants.map((tenant) => ({ tenant, sites: 1 })));
    expect((await hub.json<SiteView[]>("site", "list")).map(withoutRtt)).toEqual(tenants.map(site));
    const [only, ...others] = await hub.json<SiteView[]>("site", "list", "globex");
    expect(others).toEqual([]);
    expect(withoutRtt(only!)).toEqual(site("globex"));
    const { policy, ...view } = await hub.json<SiteDetails>("site", "show", "acme/main");
    expect(withoutRtt(view)).toEqual({ ...site("acme"), syncs: [] });
    expect(policy).toEqual({
      commands: "all",
      tables: "all",
      longest_request_mib: 4,
      largest_answer_mib: 128,
      query_timeout_seconds: 120,
    });
  });

  test("farsite-hub site add --services and site token --json", async () => {
    await hub.ok("tenant", "add", "initech");
    const before = Date.now();
    const made = await hub.json<{ expires: string }>(
      "site",
      "add",
      "initech/main",
      "--services",
      "ec, livestatus",
    );
    const token = { tenant: "initech", site: "main", address: expect.any(String), expires: ISO };
    expect(made).toEqual({ ...token, token: expect.stringMatching(/^fst1_[\w-]+$/) });
    expect(Date.parse(made.expires) - before).toBeGreaterThan(59 * 60_000);
    expect(Date.parse(made.expires) - Date.now()).toBeLessThanOrEqual(60 * 60_000);
    expect((await hub.site("initech/main")).services).toEqual(["ec", "livestatus"]);

    const again = await hub.json<{ expires: string }>("site", "token", "initech/main", "--minutes", "5");
    expect(again).toEqual({ ...token, token: expect.stringMatching(/^fst1_[\w-]+$/) });
    expect(Date.parse(again.expires) - Date.now()).toBeLessThanOrEqual(5 * 60_000);
    await hub.ok("site", "remove", "initech/main");
    await hub.ok("tenant", "remove", "initech");
    expect(await hub.json("tenant", "list")).toEqual(tenants.map((tenant) => ({ tenant, sites: 1 })));
  });

  test("farsite-agent status --json", async () => {
    const { sites, ...common } = await agents[0]!.json<AgentStatus>("status");
    expect(common).toEqual({ version: manifest.version, damaged: [] });
    expect(sites).toHaveLength(1);
    const { rtt, ...status } = sites[0]!;
    expect(status).toEqual({
      name: "main",
      since: ISO,
      state: "connected",
      url: hub.url,
      tenant: "acme",
      site: "main",
      route: { kind: "direct" },
      carrier: "websocket",
      streams: 0,
      key: KEY,
      hubVersion: manifest.version,
      clockSkew: expect.any(Number),
      services: ["livestatus", "http"],
      listeners: [],
      outbox: [],
      pushOnly: false,
      core: online("acme"),
    });
    if (rtt !== undefined) expect(rtt).toBeGreaterThan(0);
  });

  test("farsite-agent services --json", async () => {
    expect(await agents[0]!.json("services")).toEqual([
      { service: "livestatus", target: targets[0]!.name, reachable: true },
      { service: "http", target: dead, reachable: false, reason: "ECONNREFUSED" },
    ]);
  });

  test("farsite-agent enroll --json", async () => {
    await hub.ok("tenant", "add", "hooli");
    const { token } = await hub.json<{ token: string }>("site", "add", "hooli/main");
    const agent = lab.makeAgent();
    const made = await agent.json("enroll", token);
    expect(made).toEqual({
      tenant: "hooli",
      site: "main",
      name: "main",
      config: agent.config,
      changed: true,
      service: "none",
    });
    await hub.ok("site", "remove", "hooli/main");
    await hub.ok("tenant", "remove", "hooli");
  });
});

describe("what people read", () => {
  test("farsite-hub status and endpoints", async () => {
    const status = (await hub.ok("status")).trimEnd().split("\n");
    expect(status[0]).toMatch(new RegExp(`^farsite-hub ${manifest.version} at ${hub.url}, up \\d+ s$`));
    expect(status[1]).toBe("2 of 2 sites connected, 2 online");
    expect(status.filter((line) => /^(acme|globex)\/main +127\..* connected /.test(line))).toHaveLength(2);

    const endpoints = (await hub.ok("endpoints")).trimEnd().split("\n");
    expect(endpoints).toHaveLength(1 + tenants.length * NAMES.length + tenants.length + 1);
    expect(endpoints).toContainEqual(expect.stringMatching(/^acme\/\* +livestatus +- +listening +0 +\//));
    const { address } = await hub.site("acme/main");
    expect(endpoints).toContainEqual(
      expect.stringMatching(new RegExp(`^acme/main +livestatus +${address}:6557 +listening +0 +/`)),
    );
    // what its agent does not have in its file
    expect(endpoints).toContainEqual(
      expect.stringMatching(new RegExp(`^acme/main +broker +${address}:5672 +not offered +0 +/`)),
    );
  });

  test("farsite-agent status and services", async () => {
    const status = await agents[1]!.ok("status");
    expect(status).toMatch(new RegExp(`^farsite-agent ${manifest.version} of globex/main\n`));
    expect(status).toMatch(new RegExp(`^connected for \\d+ s: ${hub.url}$`, "m"));
    expect(status).toMatch(/^services: livestatus, http; 0 streams open$/m);
    const services = await agents[1]!.ok("services");
    expect(services).toMatch(/^livestatus +tcp:127\.0\.0\.1:\d+ +reachable$/m);
    expect(services).toMatch(/^http +tcp:127\.0\.0\.1:\d+ +ECONNREFUSED$/m);
  });
});

import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseConfig } from "../../../common/config/index.ts";
import { FarsiteError } from "../../../common/errors.ts";
import { decodeToken } from "../../../common/handshake/index.ts";
import { hubConfig } from "../../../hub/config/index.ts";
import { Endpoints } from "../../../hub/endpoint/index.ts";
import { Hub, type NewToken, type SiteDetails } from "../../../hub/hub.ts";
import { SiteStates } from "../../../hub/livestatus/index.ts";
import { adminApp } from "../../../hub/web/admin/index.ts";
import { Agent, HOLD, MINUTE, rejectionCode, SECOND, settle, World } from "../handshake/rig.ts";
import { keyParts } from "../keys/rig.ts";
import { codeOf, scratch } from "./rig.ts";

interface Rig {
  world: World;
  hub: Hub;
  runDir: string;
  fingerprint: Buffer;
  /** Asks the admin socket; gives status and body. */
  ask(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }>;
}

/** A hub that listens nowhere: its endpoints know no port. */
async function rig(limits = ""): Promise<Rig> {
  const world = await World.open();
  const runDir = scratch();
  const { clock, log, registry, enrolment, sites } = world;
  const config = parseConfig("hub.toml", `url = "wss://hub.example"\n[limits]\n${limits}`, hubConfig);
  const endpoints = new Endpoints({
    ports: {},
    runDir,
    clock,
    log,
    packed: () => false,
    open: () => undefined,
  });
  const states = new SiteStates({
    clock,
    log,
    tunnel: (id) => sites.state(id),
    hold: HOLD,
    grace: MINUTE,
  });
  world.changed = (id) => states.update(id);
  world.keyed = (site) => states.know(site);
  const fingerprint = Buffer.alloc(32, 5);
  const hub = new Hub({
    config,
    registry,
    enrolment,
    sites,
    states,
    endpoints,
    ...keyParts(world, runDir),
    tls: { certificate: "", key: "", fingerprint },
    log,
    wall: () => clock.wall(),
  });
  const app = adminApp(hub);
  const ask = async (method: string, path: string, body?: unknown) => {
    const response = await app.request(path, {
      method,
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  };
  return { world, hub, runDir, fingerprint, ask };
}

test("a new site comes with a token that holds all an agent needs, and that enrols it", async () => {
  const { world, hub, fingerprint } = await rig();
  const made = await hub.addSite("test", "acme", "new");
  expect(made).toMatchObject({ tenant: "acme", site: "new", expires: "2026-01-01T01:00:00.000Z" });
  const token = decodeToken(made.token);
  expect(token).toMatchObject({ url: "wss://hub.example", certificate: fingerprint });
  expect(Buffer.from(token.hubKey)).toEqual(world.identity.publicKey.bytes);
  expect((await world.registry.site("acme", "new")).address).toBe(made.address);
  expect(await new Agent(world).enrol(token)).toMatchObject({ tenant: "acme", site: "new" });
});

test("a new site has every service that has a port, unless some are named", async () => {
  const { world, hub } = await rig();
  await hub.addSite("test", "acme", "all");
  await hub.addSite("test", "acme", "one", ["ec"]);
  expect((await world.registry.site("acme", "all")).services).toEqual([
    "broker",
    "cmk-agent",
    "ec",
    "http",
    "livestatus",
    "notify",
  ]);
  expect((await world.registry.site("acme", "one")).services).toEqual(["ec"]);
});

test.each([
  ["that has no port", ["ssh"]],
  ["that JavaScript knows", ["constructor"]],
  ["that is a path", ["../x"]],
  ["of no name", [""]],
  ["at all", []],
])("a site with a service %s is not added", async (_, services) => {
  const { world, hub } = await rig();
  expect(await codeOf(hub.addSite("test", "acme", "new", services))).toBe("E_NAME");
  expect(await codeOf(world.registry.site("acme", "new"))).toBe("E_NOT_FOUND");
});

test("a token lives as long as the configuration says, or as long as was asked for", async () => {
  const { world, hub } = await rig("token_minutes = 5");
  const short = decodeToken((await hub.issueToken("test", "acme", "main")).token);
  const asked = await hub.issueToken("test", "globex", "main", 10);
  expect(asked.expires).toBe("2026-01-01T00:10:00.000Z");
  world.clock.advance(5 * MINUTE);
  expect(await rejectionCode(new Agent(world).enrol(short))).toBe("E_TOKEN_EXPIRED");
  world.clock.advance(5 * MINUTE - 1);
  await new Agent(world).enrol(decodeToken(asked.token));
});

test("disabling, revoking and removing a site each cut its agent at once and keep it out", async () => {
  const { world, hub } = await rig();
  const changes = [
    ["E_SITE_DISABLED", () => hub.setEnabled("test", "acme", "main", false)],
    ["E_KEY_REVOKED", () => hub.revoke("test", "acme", "main")],
    ["E_KEY_REVOKED", () => hub.removeSite("test", "acme", "main")],
  ] as const;
  for (const [code, change] of changes) {
    await hub.setEnabled("test", "acme", "main", true);
    const agent = await world.connected();
    await change();
    await settle();
    expect(agent.ends.map((end) => end.code)).toEqual([code]);
    expect(["E_SITE_DISABLED", "E_KEY_REVOKED", "E_KEY_UNKNOWN"]).toContain(
      await rejectionCode(agent.connect()),
    );
  }
});

test("a site's directory is there while it is, and goes with it", async () => {
  const { hub, runDir } = await rig();
  await hub.openEndpoints();
  expect(existsSync(join(runDir, "acme", "main"))).toBe(true);
  await hub.removeSite("test", "acme", "main");
  expect([existsSync(join(runDir, "acme", "main")), existsSync(join(runDir, "globex", "main"))]).toEqual([
    false,
    true,
  ]);
});

test("a site's state is told apart: never seen, connected, interrupted, lost, disabled", async () => {
  const { world, hub } = await rig();
  const state = async () => (await hub.siteView("acme", "main")).state;
  expect([await state(), (await hub.siteView("acme", "main")).since]).toEqual(["never", undefined]);
  const agent = await world.enrolled();
  expect(await hub.siteView("acme", "main")).toMatchObject({ state: "never", enrolled: true });
  const over = world.receive();
  await agent.connect(over);
  expect(await state()).toBe("connected");
  expect((await hub.status()).hub).toMatchObject({ sites: 2, connected: 1 });
  over.agentEnd.cut("gone");
  await settle();
  expect(await state()).toBe("interrupted");
  world.clock.advance(60 * SECOND);
  expect(await hub.siteView("acme", "main")).toMatchObject({
    state: "disconnected",
    since: "2026-01-01T00:01:00.000Z",
    lastSeen: "2026-01-01T00:00:00.000Z",
  });
  await hub.setEnabled("test", "acme", "main", false);
  expect(await state()).toBe("disabled");
});

test("everything that the command line does works through the admin socket", async () => {
  const { world, ask } = await rig();
  expect(await ask("POST", "/tenants", { name: "initech" })).toEqual({
    status: 201,
    body: { tenant: "initech" },
  });
  const added = await ask("POST", "/tenants/initech/sites", { name: "main", services: ["livestatus"] });
  expect(added).toMatchObject({ status: 201, body: { tenant: "initech", site: "main" } });
  const first = (added.body as NewToken).token;
  const again = await ask("POST", "/tenants/initech/sites/main/token", { minutes: 1 });
  expect(again).toMatchObject({ status: 201, body: { expires: "2026-01-01T00:01:00.000Z" } });
  expect((again.body as NewToken).token).not.toBe(first);
  expect(await ask("GET", "/tenants/initech/sites/main")).toMatchObject({
    status: 200,
    body: { state: "never" },
  });
  expect((await ask("GET", "/sites?tenant=initech")).body).toHaveLength(1);
  expect((await ask("GET", "/sites")).body).toHaveLength(3);
  expect((await ask("GET", "/tenants")).body).toContainEqual({ name: "initech", sites: 1 });
  expect((await ask("GET", "/endpoints")).body).toEqual([]);
  expect((await ask("GET", "/status")).body).toMatchObject({ hub: { url: "wss://hub.example", sites: 3 } });
  expect((await ask("POST", "/tenants/initech/sites/main/disable")).body).toMatchObject({
    state: "disabled",
  });
  expect((await ask("POST", "/tenants/initech/sites/main/enable")).body).toMatchObject({ state: "never" });
  expect((await ask("POST", "/tenants/initech/sites/main/revoke")).body).toMatchObject({ enrolled: false });
  expect(await ask("DELETE", "/tenants/initech/sites/main")).toEqual({ status: 200, body: {} });
  expect(await ask("DELETE", "/tenants/initech")).toEqual({ status: 200, body: {} });
  expect((await world.registry.tenants()).map((tenant) => tenant.name)).toEqual(["acme", "globex"]);
});

test.each([
  ["a tenant that is there", "POST", "/tenants", { name: "acme" }, 409, "E_EXISTS"],
  ["a name that is none", "POST", "/tenants", { name: "../x" }, 400, "E_NAME"],
  ["a tenant with sites", "DELETE", "/tenants/acme", undefined, 409, "E_EXISTS"],
  ["a site that is not there", "GET", "/tenants/acme/sites/other", undefined, 404, "E_NOT_FOUND"],
  [
    "a site of a tenant that is not there",
    "POST",
    "/tenants/none/sites",
    { name: "main" },
    404,
    "E_NOT_FOUND",
  ],
  ["sites of a tenant that is not there", "GET", "/sites?tenant=none", undefined, 404, "E_NOT_FOUND"],
  ["a body that is no JSON", "POST", "/tenants", "{", 400, "E_USAGE"],
  ["no body", "POST", "/tenants", undefined, 400, "E_USAGE"],
  ["a key too many", "POST", "/tenants", { name: "x", admin: true }, 400, "E_USAGE"],
  ["a name of another type", "POST", "/tenants", { name: ["x"] }, 400, "E_USAGE"],
  ["a token of no time", "POST", "/tenants/acme/sites/main/token", { minutes: 0 }, 400, "E_USAGE"],
  [
    "a token of more than a week",
    "POST",
    "/tenants/acme/sites/main/token",
    { minutes: 10_081 },
    400,
    "E_USAGE",
  ],
  ["a path that is not there", "GET", "/nothing", undefined, 404, "E_NOT_FOUND"],
  ["a path with an empty name", "GET", "/tenants//sites/main", undefined, 404, "E_NOT_FOUND"],
])(
  "%s is answered with a code that the command line understands",
  async (_, method, path, body, status, code) => {
    const { ask } = await rig();
    expect(await ask(method, path, body)).toMatchObject({
      status,
      body: { code, message: expect.any(String) },
    });
  },
);

test("a fault in the hub is logged, and not shown", async () => {
  const { world, hub, ask } = await rig();
  hub.registry.tenants = () => Promise.reject(new Error("disk I/O error at /var/lib"));
  expect(await ask("GET", "/tenants")).toEqual({
    status: 500,
    body: { code: "E_INTERNAL", message: "the hub had a fault; see its log" },
  });
  expect(world.log.lines.at(-1)?.fields.fault).toContain("disk I/O error");
});

test("an error's advice reaches the command line", async () => {
  const { hub, ask } = await rig();
  hub.registry.tenants = () => Promise.reject(new FarsiteError("E_EXISTS", "what", "do this"));
  expect((await ask("GET", "/tenants")).body).toEqual({ code: "E_EXISTS", message: "what", hint: "do this" });
});

test("a site shows the policy that holds for it, and the hub warns of rules for nobody", async () => {
  const rules = '[policy.acme]\ncommands = "none"\n[policy."acme/gone"]\n[policy.beta]';
  const { world, hub, ask } = await rig(rules);
  await hub.openEndpoints();
  const { body } = await ask("GET", "/tenants/acme/sites/main");
  expect((body as SiteDetails).policy).toEqual({
    commands: "none",
    tables: "all",
    longest_request_mib: 4,
    largest_answer_mib: 128,
    query_timeout_seconds: 120,
  });
  const warned = world.log.lines.filter(({ message }) => message === "there is no such tenant or site");
  expect(warned.map(({ level, fields }) => [level, fields.key])).toEqual([
    ["warning", "policy.acme/gone"],
    ["warning", "policy.beta"],
  ]);
});

test("an agent that is of an older release than the hub is marked, a newer one is not", async () => {
  const { world, hub } = await rig();
  await hub.addSite("test", "acme", "new");
  expect(await hub.siteView("acme", "new")).not.toHaveProperty("update");
  const own = world.sites.state.bind(world.sites);
  for (const [version, update] of [
    ["0.0.9", true],
    ["9.0.0", undefined],
    ["\u001b[2J", undefined],
  ] as const) {
    world.sites.state = (id) => ({ ...own(id), agent: { version, host: "monitor", clockSkew: 0 } });
    expect((await hub.siteView("acme", "new")).update).toBe(update);
  }
});

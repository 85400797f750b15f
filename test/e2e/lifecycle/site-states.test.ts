import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { FarsiteLab, type TestAgent, until } from "../../lab/farsite.ts";
import { Client, type Place, placesOf } from "../client.ts";
import { expectNoTrace } from "../refusal.ts";
import { manners, Target } from "../target.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());

const target = await Target.start(manners.echo, lab.cleanup);
const hub = await lab.startHub();
const settings = { services: { notify: target.name } };
let count = 0;

/** The two places where a site's service is offered. */
async function placesAt(path: string): Promise<Record<"tcp" | "unix", Place>> {
  return placesOf(await hub.endpoint(path, "notify"));
}

/** A client that has an answer and goes on. */
async function talking(place: Place): Promise<Client> {
  const client = await Client.to(place).send("x");
  await until("an answer", () => client.received === 1);
  return client;
}

/** Whoever connects is turned away at once: a site that is not there must not make a client wait. */
async function expectRefused(places: Record<"tcp" | "unix", Place>): Promise<void> {
  const [tcp, unix] = [Client.to(places.tcp), Client.to(places.unix)];
  expect(await tcp.over()).toMatchObject({ broken: "ECONNRESET", ended: false, received: 0 });
  expect(await unix.over()).toMatchObject({ received: 0 });
}

async function expectAnswers(path: string): Promise<void> {
  for (const place of Object.values(await placesAt(path))) (await talking(place)).end();
}

/** A site with its agent, connected, and a client at each of its sockets. */
async function liveSite(): Promise<{
  path: string;
  agent: TestAgent;
  clients: Client[];
  connections: number;
}> {
  const path = `acme/site${++count}`;
  const agent = await lab.connect(hub, path, settings);
  const clients = await Promise.all(Object.values(await placesAt(path)).map(talking));
  return { path, agent, clients, connections: target.open };
}

test("a site whose agent never came refuses clients at once", async () => {
  await hub.addSite("acme/never");
  await expectRefused(await placesAt("acme/never"));
  expect(await hub.site("acme/never")).toMatchObject({ state: "never", enrolled: false, streams: 0 });
});

test("disable cuts a site off at once, and enable brings it back", async () => {
  const { path, agent, clients, connections } = await liveSite();
  const { address } = await hub.site(path);
  const places = await placesAt(path);

  await hub.ok("site", "disable", path);
  // the command returns when it is done: nothing is waited for from here on
  expect(await hub.site(path)).toMatchObject({ state: "disabled", streams: 0, address, enrolled: true });
  expect((await hub.endpoints()).filter((each) => `${each.tenant}/${each.site}` === path)).toEqual([]);
  expect(existsSync((places.unix as { path: string }).path)).toBe(false);

  await Promise.all(clients.map((client) => client.over()));
  await until("the agent to hang up at its target", () => target.open === connections - 2);
  expect((await Client.to(places.tcp).over()).broken).toBe("ECONNREFUSED");
  await agent.complains("E_SITE_DISABLED");
  expect(await agent.ok("status")).toContain("[E_SITE_DISABLED]");

  await hub.ok("site", "enable", path);
  await hub.reaches(path, "connected");
  expect((await hub.site(path)).address).toBe(address);
  expect(await placesAt(path)).toEqual(places);
  await expectAnswers(path);
  await agent.stop();
});

test("a disabled site stays so when the hub starts again", async () => {
  const { path, agent } = await liveSite();
  await hub.ok("site", "disable", path);
  await agent.complains("E_SITE_DISABLED");
  await agent.stop();
  await hub.stop();
  await hub.start();
  expect(await hub.site(path)).toMatchObject({ state: "disabled" });
  expect((await hub.endpoints()).filter((each) => `${each.tenant}/${each.site}` === path)).toEqual([]);
  await agent.start();
  await agent.complains("E_SITE_DISABLED");
  await agent.stop();
});

test("revoke cuts an agent at once, and it stays out until it is enrolled anew", async () => {
  const { path, agent, clients, connections } = await liveSite();
  await hub.ok("site", "revoke", path);
  expect(await hub.site(path)).toMatchObject({ state: "disconnected", streams: 0, enrolled: false });
  expect((await hub.site(path)).reason).toMatch(/key was revoked/);
  await expectRefused(await placesAt(path));
  await Promise.all(clients.map((client) => client.over()));
  await until("the agent to hang up at its target", () => target.open === connections - 2);

  await agent.complains("E_KEY_REVOKED");
  expect(agent.process.exit).toBeUndefined();
  expect(await agent.ok("status")).toMatch(/key was revoked.*\[E_KEY_REVOKED\]/);
  await agent.stop();
  await agent.start();
  await agent.complains("E_KEY_REVOKED");
  await hub.stop();
  await hub.start();
  await agent.stop();
  await agent.start();
  await agent.complains("E_KEY_REVOKED");
  expect(await hub.site(path)).toMatchObject({ state: "disconnected", enrolled: false });
  await agent.stop();

  const { token } = await hub.json<{ token: string }>("site", "token", path);
  await agent.ok("enroll", token, "--force");
  await agent.start();
  await hub.reaches(path, "connected");
  await expectAnswers(path);
  await agent.stop();
});

test("a new enrolment ends the first agent", async () => {
  const { path, agent: first, clients } = await liveSite();
  const { token } = await hub.json<{ token: string }>("site", "token", path);
  expect(await hub.site(path)).toMatchObject({ state: "connected" });
  const second = lab.makeAgent(settings);
  await second.ok("enroll", token);
  await Promise.all(clients.map((client) => client.over()));
  await first.complains("E_KEY_REVOKED");
  await second.start();
  await hub.reaches(path, "connected");
  await expectAnswers(path);

  await first.stop();
  await first.start();
  await first.complains("E_KEY_REVOKED");
  expect((await second.status()).state).toBe("connected");
  await Promise.all([first.stop(), second.stop()]);
});

test("remove ends a site: its agent, endpoints, sockets and address", async () => {
  const { path, agent, clients } = await liveSite();
  const { address } = await hub.site(path);
  const places = await placesAt(path);
  await hub.ok("site", "remove", path);
  await Promise.all(clients.map((client) => client.over()));
  expect((await Client.to(places.tcp).over()).broken).toBe("ECONNREFUSED");
  expect(existsSync(join(hub.runDir, path))).toBe(false);
  expect((await hub.status()).sites.map((site) => `${site.tenant}/${site.site}`)).not.toContain(path);
  await until("the agent to be told", async () => (await agent.status()).state !== "connected");
  await agent.stop();
  await agent.start();
  await agent.complains("E_KEY_UNKNOWN");

  const again = await hub.addSite(path);
  expect(again.address).not.toBe(address);
  await agent.stop();
  await agent.ok("enroll", again.token, "--force");
  await agent.start();
  await hub.reaches(path, "connected");
  await expectAnswers(path);
  await agent.stop();
});

test("nothing of this was a fault", () => {
  expectNoTrace(hub.process.output);
});

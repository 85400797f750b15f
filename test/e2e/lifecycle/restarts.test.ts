import { randomBytes } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FarsiteLab, freePort, type TestAgent, type TestHub, until } from "../../lab/farsite.ts";
import { Client, placesOf } from "../client.ts";
import { expectNoTrace } from "../refusal.ts";
import { Relay } from "../relay.ts";
import { manners, Target } from "../target.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());

const PATH = "acme/main";
const target = await Target.start(manners.echo, lab.cleanup);
const services = { notify: target.name };
const MIB = 1 << 20;

/** Asks through both sockets of the site's endpoint. */
async function expectService(hub: TestHub): Promise<void> {
  const places = placesOf(await hub.endpoint(PATH, "notify"));
  for (const place of Object.values(places)) {
    const client = await Client.to(place).send("GET hosts\n");
    expect((await client.end().all()).toString()).toBe("GET hosts\n");
  }
}

describe("hub and agent", () => {
  let hub: TestHub;
  let agent: TestAgent;
  let address: string;
  beforeAll(async () => {
    hub = await lab.startHub();
    agent = await lab.connect(hub, PATH, { services });
    ({ address } = await hub.site(PATH));
  });

  /** All is as before: the same address, and it answers. */
  async function expectAsBefore(): Promise<void> {
    await hub.reaches(PATH, "connected");
    expect((await hub.site(PATH)).address).toBe(address);
    await expectService(hub);
    for (const { process } of [hub, agent]) expectNoTrace(process.output);
  }

  const sockets = () => [
    join(hub.runDir, "admin.sock"),
    join(hub.runDir, PATH, "notify.sock"),
    join(agent.runDir, "status.sock"),
  ];

  test("the agent stops in good order and starts again", async () => {
    const client = await Client.to(placesOf(await hub.endpoint(PATH, "notify")).tcp).send("x");
    await until("an answer", () => client.received === 1);
    await agent.stop();
    expect(existsSync(join(agent.runDir, "status.sock"))).toBe(false);
    expect(await client.over()).toMatchObject({ broken: "ECONNRESET", ended: false });
    await hub.reaches(PATH, "disconnected");
    expect((await hub.site(PATH)).reason).toBe("the agent stops");
    const refused = Client.to(placesOf(await hub.endpoint(PATH, "notify")).tcp);
    expect((await refused.over()).broken).toBe("ECONNRESET");
    await agent.start();
    await expectAsBefore();
  });

  test("the agent is killed and starts again", async () => {
    const client = await Client.to(placesOf(await hub.endpoint(PATH, "notify")).tcp).send("x");
    await until("an answer", () => client.received === 1);
    await agent.crash();
    await hub.reaches(PATH, "interrupted");
    await agent.start();
    await expectAsBefore();
    expect(await client.over()).toMatchObject({ broken: "ECONNRESET", ended: false });
  });

  test("the hub stops in good order and starts again: the agent comes back by itself", async () => {
    const { pid } = agent.process;
    await hub.stop();
    for (const socket of sockets().slice(0, 2)) expect(existsSync(socket)).toBe(false);
    await until("the agent to notice", async () => (await agent.status()).state !== "connected");
    await hub.start();
    await expectAsBefore();
    expect(agent.process).toMatchObject({ pid, exit: undefined });
    expect((await agent.status()).error).toBeUndefined();
  });

  test("the hub is killed and starts again: the agent comes back by itself", async () => {
    const { pid } = agent.process;
    await hub.crash();
    for (const socket of sockets()) expect(statSync(socket).isSocket()).toBe(true);
    await hub.start();
    await expectAsBefore();
    expect(agent.process).toMatchObject({ pid, exit: undefined });
  });

  test("both stop with clients connected, and leave no socket", async () => {
    const places = placesOf(await hub.endpoint(PATH, "notify"));
    const clients = Object.values(places).map((place) => Client.to(place));
    for (const client of clients) {
      await client.send("x");
      await until("an answer", () => client.received === 1);
    }
    await Promise.all([hub.stop(), agent.stop()]);
    for (const client of clients) await client.over();
    for (const socket of sockets()) expect(existsSync(socket)).toBe(false);
    for (const { process } of [hub, agent]) expectNoTrace(process.output);
  });

  test("an agent whose hub is away stops in good order", async () => {
    await agent.start();
    await agent.complains("E_HUB_UNREACHABLE");
    await agent.stop();
  });
});

describe("the line between hub and agent", () => {
  let hub: TestHub;
  let agent: TestAgent;
  let relay: Relay;
  beforeAll(async () => {
    const port = await freePort();
    relay = await Relay.start(port, lab.cleanup);
    hub = await lab.startHub({
      url: `wss://127.0.0.1:${relay.port}`,
      listen: { port },
      limits: { dead_seconds: 1 },
    });
    agent = await lab.connect(hub, PATH, { services, limits: { dead_seconds: 1 } });
  });

  test.each(["cut", "hold"] as const)(
    "%s in the middle of transfers: they go on, no byte lost",
    async (how) => {
      const data = randomBytes(8 * MIB);
      const place = placesOf(await hub.endpoint(PATH, "notify")).tcp;
      const clients = [Client.to(place), Client.to(place)];
      const done = clients.map(async (client) => {
        void client.send(data).then(() => client.end());
        return client.all();
      });
      const begun = relay.taken;
      for (const some of [1, 2]) {
        const before = relay.carried;
        await until("bytes to flow", () => relay.carried > before + MIB);
        relay[how]();
        await until("a new connection", () => relay.taken >= begun + some);
      }
      for (const received of await Promise.all(done)) expect(received.equals(data)).toBe(true);
      expect((await hub.site(PATH)).state).toBe("connected");
      expect(hub.process.output).not.toContain("session ended");
    },
  );

  test("dead: both stop in good order all the same", async () => {
    await hub.reaches(PATH, "connected");
    relay.hold();
    await agent.complains("E_CARRIER_LOST");
    await agent.stop();
    await agent.start();
    await hub.reaches(PATH, "connected");
    relay.hold();
    await agent.stop();
    await hub.stop();
  });

  test("gone for longer than the grace period: the session ends, and a new one begins", async () => {
    hub.configure({ limits: { grace_seconds: 1 } });
    await hub.start();
    await agent.start();
    await hub.reaches(PATH, "connected");
    const client = await Client.to(placesOf(await hub.endpoint(PATH, "notify")).tcp).send("x");
    await until("an answer", () => client.received === 1);
    agent.process.signal("SIGSTOP");
    relay.cut();
    await hub.reaches(PATH, "disconnected");
    expect(await client.over()).toMatchObject({ broken: "ECONNRESET", ended: false });
    expect((await hub.site(PATH)).reason).toContain("no new carrier within 1 s");
    agent.process.signal("SIGCONT");
    await hub.reaches(PATH, "connected");
    await expectService(hub);
  });

  test("silent while the hub stops: the hub does not wait for the agent", async () => {
    agent.process.signal("SIGSTOP");
    await hub.stop();
    agent.process.signal("SIGCONT");
    // the relay still takes connections, and has nowhere to go with them
    await agent.complains("E_TLS_FAILED");
    await agent.stop();
  });
});

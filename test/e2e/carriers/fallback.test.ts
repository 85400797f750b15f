/** Agents whose WebSockets do not get through: sessions over plain requests, and back. */
import { createHash, randomBytes } from "node:crypto";
import { afterAll, describe, expect, test } from "vitest";
import { FarsiteLab, freePort, type TestAgent, type TestHub, until } from "../../lab/farsite.ts";
import { Middlebox, type Upgrades } from "../../lab/middlebox.ts";
import { haveNginx, startNginx } from "../../lab/nginx.ts";
import { Client, placesOf } from "../client.ts";
import { expectRefusal } from "../refusal.ts";
import { manners, Target } from "../target.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());

const MIB = 1 << 20;
const PATH = "acme/main";
const echo = await Target.start(manners.echo, lab.cleanup);
const digest = await Target.start(manners.digest, lab.cleanup);
const greet = await Target.start(manners.greet, lab.cleanup);
const services = { notify: echo.name, ec: digest.name, "cmk-agent": greet.name };
const digestOf = (data: Buffer) => `${data.length} ${createHash("sha256").update(data).digest("hex")}`;

interface Line {
  hub: TestHub;
  agent: TestAgent;
  box: Middlebox;
}

/** A hub behind a middlebox, and what an agent needs to reach it there. */
async function hubBehind(upgrades: Upgrades): Promise<{ hub: TestHub; box: Middlebox }> {
  const port = await freePort();
  const box = await Middlebox.start(port, upgrades, lab.cleanup);
  const hub = await lab.startHub({
    url: `ws://127.0.0.1:${box.port}`,
    listen: { port, tls: "off" },
    limits: { return_seconds: 0 },
  });
  return { hub, box };
}

type Settings = NonNullable<Parameters<FarsiteLab["connect"]>[2]>;

/** The same with an agent that is connected. */
async function lineThrough(upgrades: Upgrades, settings: Settings = {}): Promise<Line> {
  const { hub, box } = await hubBehind(upgrades);
  const agent = await lab.connect(hub, PATH, { services, ...settings });
  return { hub, agent, box };
}

const stop = ({ agent, hub }: { agent: TestAgent; hub: TestHub }) => Promise.all([agent.stop(), hub.stop()]);

/** A client of one of the site's services. */
async function clientOf(hub: TestHub, service: keyof typeof services): Promise<Client> {
  return Client.to(placesOf(await hub.endpoint(PATH, service)).tcp);
}

async function expectAnswers(hub: TestHub): Promise<void> {
  const client = await (await clientOf(hub, "notify")).send("GET hosts\n");
  expect((await client.end().all()).toString()).toBe("GET hosts\n");
}

/** Waits until both sides say that this is what carries the session. */
async function carriedBy({ agent, hub }: { agent: TestAgent; hub: TestHub }, kind: string): Promise<void> {
  await until(`${kind} on both sides`, async () => {
    const seen = [(await agent.status()).carrier, (await hub.site(PATH)).carrier];
    return seen.every((each) => each === kind);
  });
}

describe.each<[string, Upgrades, string]>([
  ["strips them", "strip", "HTTP status 426"],
  ["answers 400 to them", 400, "HTTP status 400"],
  ["answers 403 to them", 403, "HTTP status 403"],
  ["answers 200 to them", 200, "HTTP status 200"],
  ["answers 503 to them", 503, "takes no more handshakes"],
  ["lets them open and nothing through", "hang", "the handshake did not finish in 1 s"],
])("where something on the way to WebSockets %s", (_, upgrades, reason) => {
  test("an agent enrols and serves over plain requests, and says why", async () => {
    const line = await lineThrough(upgrades, { limits: { handshake_seconds: 2 } });
    await carriedBy(line, "https");
    await expectAnswers(line.hub);
    expect(line.box.asked).toBeGreaterThan(0);
    expect((await line.agent.status()).blocked).toMatch(/^WebSocket does not get through: /);
    const said = await line.agent.ok("status");
    expect(said).toContain("carrier: https");
    expect(said).toContain(reason);
    expect(line.agent.process.output).toMatch(/carriers are HTTPS from now on reason=.*WebSocket/);
    await stop(line);
  });
});

test("a WebSocket that is cut again and again is given up for plain requests; streams go on meanwhile", async () => {
  const line = await lineThrough("pass");
  await carriedBy(line, "websocket");
  const client = await (await clientOf(line.hub, "notify")).send("a");
  await until("an answer", () => client.received === 1);
  // after the handshake, with the first heartbeats or bytes of streams
  line.box.upgrades = { cutAfter: 1_000 };
  line.box.cut();
  const data = randomBytes(64 << 10);
  void client.send(data);
  await carriedBy(line, "https");
  await until("all of it", () => client.received === 1 + data.length);
  expect(client.bytes.subarray(1).equals(data)).toBe(true);
  expect((await line.agent.status()).blocked).toContain("cut again and again");
  client.socket.destroy();
  await stop(line);
});

test("the session moves back to a WebSocket when that gets through, and away again, while 16 MiB go each way", async () => {
  const line = await lineThrough("strip", { carrier: { websocket_retry_seconds: 1 } });
  await carriedBy(line, "https");
  const client = await clientOf(line.hub, "notify");
  const data = randomBytes(16 * MIB);
  const part = data.length / 4;
  const sendPart = async (n: number) => {
    await client.send(data.subarray(n * part, (n + 1) * part));
    await until("it to come back", () => client.received >= (n + 0.5) * part);
  };
  await sendPart(0);
  line.box.upgrades = "pass";
  await sendPart(1);
  await carriedBy(line, "websocket");
  expect((await line.agent.status()).blocked).toBeUndefined();
  line.box.upgrades = "strip";
  line.box.cut();
  await sendPart(2);
  await carriedBy(line, "https");
  line.box.upgrades = "pass";
  await sendPart(3);
  await carriedBy(line, "websocket");
  expect(digestOf(await client.end().all())).toBe(digestOf(data));
  expect(line.box.webSockets).toBe(1);
  expect(line.agent.process.output).toContain("carriers are WebSocket from now on");
  await stop(line);
});

describe("a session over plain requests", () => {
  const shared = lineThrough("strip", { carrier: { kind: "https" } });
  afterAll(async () => stop(await shared));

  test("never asks for a WebSocket when told so", async () => {
    const line = await shared;
    await carriedBy(line, "https");
    expect(line.box.asked).toBe(0);
    expect((await line.agent.status()).blocked).toBeUndefined();
  });

  test("carries 16 MiB each way, half-closes and early ends", async () => {
    const { hub } = await shared;
    const data = randomBytes(16 * MIB);
    const echoed = await clientOf(hub, "notify");
    void echoed.send(data).then(() => echoed.end());
    const counted = await (await clientOf(hub, "ec")).send(data);
    expect((await counted.end().all()).toString()).toBe(digestOf(data));
    expect(digestOf(await echoed.all())).toBe(digestOf(data));
    const greeted = await clientOf(hub, "cmk-agent");
    expect((await greeted.all()).toString()).toBe("hello");
    const before = greet.received;
    await greeted.send(randomBytes(MIB));
    await until("all of it", () => greet.received === before + MIB);
    greeted.end();
    await greeted.closed;
  });

  test("carries 64 clients at once", async () => {
    const { hub } = await shared;
    await Promise.all(
      Array.from({ length: 64 }, async () => {
        const data = randomBytes(16 << 10);
        const client = await (await clientOf(hub, "notify")).send(data);
        expect((await client.end().all()).equals(data)).toBe(true);
      }),
    );
  });

  test("goes on when something cuts its connections", async () => {
    const line = await shared;
    const client = await (await clientOf(line.hub, "notify")).send("a");
    await until("an answer", () => client.received === 1);
    line.box.cutAll();
    await client.send("b");
    expect((await client.end().all()).toString()).toBe("ab");
    expect(line.agent.process.output).not.toContain("connection lost");
  });

  test("comes back when the hub was killed", async () => {
    const line = await shared;
    await line.hub.crash();
    await until("the agent to notice", async () => (await line.agent.status()).state !== "connected");
    await line.hub.start();
    await line.hub.reaches(PATH, "connected");
    await carriedBy(line, "https");
    await expectAnswers(line.hub);
  });

  test("is told when the hub stops, and comes back", async () => {
    const line = await shared;
    await line.hub.stop();
    await until("the agent to know", () => line.agent.process.output.includes("the hub stops"));
    await line.hub.start();
    await line.hub.reaches(PATH, "connected");
    await expectAnswers(line.hub);
  });

  test("is cut when its key is revoked, and the agent is told why", async () => {
    const line = await shared;
    const client = await (await clientOf(line.hub, "notify")).send("a");
    await until("an answer", () => client.received === 1);
    await line.hub.ok("site", "revoke", PATH);
    await client.closed;
    await line.agent.complains("E_KEY_REVOKED");
    expect((await line.hub.site(PATH)).state).not.toBe("connected");
    const { token } = await line.hub.json<{ token: string }>("site", "token", PATH);
    await line.agent.stop();
    await line.agent.ok("enroll", token, "--force");
    await line.agent.start();
    await line.hub.reaches(PATH, "connected");
  });

  test("is ended when the agent stops", async () => {
    const line = await shared;
    await line.agent.stop();
    await line.hub.reaches(PATH, "disconnected");
    expect((await line.hub.site(PATH)).reason).toBe("the agent stops");
    await line.agent.start();
    await line.hub.reaches(PATH, "connected");
  });
});

test("an agent that may use WebSockets only says what is in their way", async () => {
  const { hub } = await hubBehind("strip");
  const { token } = await hub.addSite(PATH);
  const finished = await lab.makeAgent({ carrier: { kind: "websocket" } }).enroll(token);
  expectRefusal(finished, "E_UPGRADE_STRIPPED", "HTTP status 426", "proxy");
  await hub.stop();
});

describe.skipIf(!haveNginx)("behind nginx that was not told of WebSockets", () => {
  test("an agent enrols and serves over plain requests", async () => {
    const port = await freePort();
    const front = await startNginx(port, lab.cleanup);
    const hub = await lab.startHub({ url: `ws://127.0.0.1:${front}`, listen: { port, tls: "off" } });
    const agent = await lab.connect(hub, PATH, { services });
    await carriedBy({ agent, hub }, "https");
    const data = randomBytes(16 * MIB);
    const client = await clientOf(hub, "notify");
    void client.send(data).then(() => client.end());
    expect(digestOf(await client.all())).toBe(digestOf(data));
    await stop({ agent, hub });
  });
});

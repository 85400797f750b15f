/** What becomes of a connection that stands, and of its streams, when something on the way does not leave it alone. */
import { randomBytes } from "node:crypto";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import type { Client } from "../../e2e/client.ts";
import { Relay } from "../../e2e/relay.ts";
import { Cleanup } from "../../lab/cleanup.ts";
import { ensurePackages } from "../../lab/debian.ts";
import { FarsiteLab, until } from "../../lab/farsite.ts";
import { PROXY_PACKAGES, PROXY_PASSWORD, PROXY_USER, startSquid } from "../../lab/proxies.ts";
import * as middle from "./middlebox.ts";
import { type RunningAgent, Stage } from "./stage.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());
const stage = await Stage.open(lab);
const trusted = await stage.authority.issue("middlebox");
const missing = new Set(await ensurePackages(PROXY_PACKAGES, { why: "testing against real proxies" }));
const cleanup = new Cleanup();
afterEach(() => cleanup.run());

const wss = (port: number): string => `wss://127.0.0.1:${port}`;

/** Sends `bytes` random bytes to the service that sends them back, and expects them back. */
async function exchange(client: Client, bytes: number): Promise<void> {
  const [before, data] = [client.received, randomBytes(bytes)];
  await client.send(data);
  await until(`${bytes} bytes to come back`, () => client.received === before + bytes);
  expect(client.bytes.subarray(before).equals(data)).toBe(true);
}

async function connected(agent: RunningAgent): Promise<Client> {
  cleanup.add("stop the agent", () => agent.stop());
  await agent.connected();
  await stage.hub.reaches("acme/main", "connected");
  const client = await stage.client();
  await exchange(client, 1000);
  return client;
}

/** Connections that were made: lines of the log that say so. */
const connections = (agent: RunningAgent): number =>
  agent.log.lines.filter((line) => line.message === "connected" || line.message === "carrier replaced")
    .length;

test("a device that cuts every connection at an age: streams go on over the next", async () => {
  const relay = await Relay.start(stage.hub.port, cleanup);
  const agent = stage.start({ url: wss(relay.port) });
  const client = await connected(agent);
  for (let cut = 1; cut <= 5; cut++) {
    relay.cut();
    await exchange(client, 100_000);
    expect(relay.taken).toBeGreaterThan(cut);
  }
  expect(agent.status.lastError).toMatchObject({ code: "E_CARRIER_LOST", hop: "carrier" });
  expect(client.broken).toBeUndefined();
});

test("a device that forgets a connection silently: the loss is noticed, and streams go on", async () => {
  const relay = await Relay.start(stage.hub.port, cleanup);
  const agent = stage.start({ url: wss(relay.port) });
  const client = await connected(agent);
  relay.hold();
  await exchange(client, 1000);
  expect(agent.status.lastError).toMatchObject({
    code: "E_CARRIER_LOST",
    message: "nothing heard for 2 s",
    hop: "carrier",
  });
  expect(agent.status.lastError?.hint).toContain("idle");
  expect(relay.taken).toBeGreaterThan(1);
});

test("a device that drops idle connections finds none: the heartbeat crosses it", async () => {
  let [dropped, beats] = [0, 0];
  const count = (chunk: Buffer): Buffer => {
    beats++;
    return chunk;
  };
  const { port } = await middle.box(cleanup, (near) => {
    // two to four heartbeats of this agent
    near.setTimeout(1000, () => {
      dropped++;
      near.destroy();
    });
    middle.passTo(stage.hub.port, () => ({ up: count }))(near);
  });
  const agent = stage.start({ url: wss(port) });
  const client = await connected(agent);
  const before = beats;
  await until("heartbeats for several terms of the device", () => beats > before + 15);
  await exchange(client, 1000);
  expect([dropped, connections(agent), agent.status.lastError]).toEqual([0, 1, undefined]);
});

/** Changes one bit once it is armed; once in all: the next carrier may come before the test sees that this one ended. */
function oneFlip(direction: "up" | "down") {
  let armed = false;
  const fire = (): boolean => {
    const now = armed;
    armed = false;
    return now;
  };
  return {
    arm: () => {
      armed = true;
    },
    changes: () => middle.flipOnce(direction, fire),
  };
}

describe.each(["up", "down"] as const)("one bit changed %s", (direction) => {
  test("by what inspects TLS ends the carrier, says so, and costs no byte of a stream", async () => {
    const { arm, changes } = oneFlip(direction);
    const inspect = middle.inspectTo(stage.hub.port, stage.authority.file, changes);
    const box = await middle.box(cleanup, inspect, trusted);
    const agent = stage.start({ url: wss(box.port) });
    const client = await connected(agent);
    arm();
    const back = exchange(client, 5000);
    await until("the change to be noticed", () => agent.status.lastError !== undefined);
    await back;
    expect(agent.status.lastError).toMatchObject({ code: "E_CARRIER_TAMPERED", hop: "carrier" });
    expect(agent.status.lastError?.message).toMatch(/changed/);
    expect(agent.status.lastError?.hint).toContain("inspects TLS");
    expect([agent.status.state, agent.status.error]).toEqual(["connected", undefined]);
    expect(box.taken).toBeGreaterThan(1);
    expect(agent.log.lines).toContainEqual(
      expect.objectContaining({
        message: "connection lost",
        fields: expect.objectContaining({ code: "E_CARRIER_TAMPERED" }),
      }),
    );
  });

  test("by what does not inspect is noticed by TLS already", async () => {
    const { arm, changes } = oneFlip(direction);
    const box = await middle.box(cleanup, middle.passTo(stage.hub.port, changes));
    const agent = stage.start({ url: wss(box.port) });
    const client = await connected(agent);
    arm();
    const back = exchange(client, 5000);
    await until("the change to be noticed", () => agent.status.lastError !== undefined);
    await back;
    expect(agent.status.lastError).toMatchObject({ code: "E_CARRIER_LOST", hop: "carrier" });
  });
});

test.skipIf(missing.has("squid"))("a proxy that is restarted: streams go on through the next", async () => {
  const first = await startSquid({ auth: "digest", cleanup });
  const url = `http://127.0.0.1:${first.port}`;
  const agent = stage.start({
    environment: { HTTPS_PROXY: url.replace("//", `//${PROXY_USER}:${encodeURIComponent(PROXY_PASSWORD)}@`) },
  });
  const client = await connected(agent);
  expect(agent.status).toMatchObject({
    route: { kind: "proxy", proxy: url, from: "HTTPS_PROXY" },
    carrier: "websocket",
  });
  await exchange(client, 1 << 20);
  await first.process.stop();
  await until("the proxy to be missed", () => agent.status.error?.code === "E_PROXY_UNREACHABLE");
  await startSquid({ auth: "digest", cleanup, listen: { address: "127.0.0.1", port: first.port } });
  await exchange(client, 1 << 20);
  expect(client.broken).toBeUndefined();
});

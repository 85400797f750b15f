import { expect, test } from "vitest";
import { FarsiteError } from "../../../common/errors.ts";
import { createTunnel, type Tunnel } from "../../../common/tunnel.ts";
import { openStream, pass, SECOND, settle, until } from "../handshake/rig.ts";
import { connected, jitter, type Rig, rig, stop, untilDialled, waiting } from "./rig.ts";

const DOWN = new FarsiteError("E_HUB_UNREACHABLE", "no connection to wss://hub.example");

/** A connector that replaces its carrier after 57 s, and is connected. */
async function renewing(change: Parameters<typeof rig>[0] = {}): Promise<Rig> {
  const its = await rig({ maxAge: 60 * SECOND, ...change });
  its.start();
  await connected(its);
  await settle();
  return its;
}

/** Lets dialling hang until the function it gives is called. */
function holdLine({ line }: Rig): () => void {
  const hold = Promise.withResolvers<void>();
  line.hold = hold.promise;
  return () => {
    line.hold = undefined;
    hold.resolve();
  };
}

test("the old carrier serves until the next one does: no stream sees a gap", async () => {
  const its = await renewing();
  const near = await openStream(its.world);
  near.stream.write(Buffer.from("before, "));
  await settle();
  const release = holdLine(its);
  await pass(its.world.clock, 58 * SECOND, SECOND);
  expect(its.dials).toHaveLength(2);
  near.stream.write(Buffer.from("while it dials, "));
  await settle();
  its.sockets[0]?.answer("and back, ");
  await settle();
  expect([its.sockets[0]?.received, near.text]).toEqual(["before, while it dials, ", "and back, "]);
  expect(its.connector.status()).toMatchObject({ state: "connected", error: undefined });
  its.line.stalled = true;
  release();
  await until(() => its.visits.length === 2);
  // the hub's answers do not come through on the new one yet
  near.stream.write(Buffer.from("during the handshake, "));
  await settle();
  expect(its.sockets[0]?.received).toBe("before, while it dials, during the handshake, ");
  its.visits[1]?.hubEnd.resume();
  await until(() => its.said().includes("carrier replaced"));
  near.stream.write(Buffer.from("after"));
  its.sockets[0]?.answer("and on");
  await settle();
  expect([its.sockets.length, its.sockets[0]?.received, near.text, near.resetBy]).toEqual([
    1,
    "before, while it dials, during the handshake, after",
    "and back, and on",
    undefined,
  ]);
  expect([its.visits[0]?.agentEnd.closed, its.visits[1]?.agentEnd.closed]).toEqual([true, false]);
  // neither side was without a carrier for a moment
  const hubSaid = its.world.log.lines.map((line) => line.message);
  expect([...its.said(), ...hubSaid]).not.toContain("carrier lost");
  expect(its.said()).not.toContain("connection lost");
  expect(hubSaid.filter((message) => message === "agent connected")).toHaveLength(2);
  await stop(its);
});

test("planned roll-overs one after the other lose and repeat nothing", async () => {
  const its = await renewing({ maxAge: 5 * SECOND });
  const near = await openStream(its.world);
  await settle();
  let [sent, back] = ["", ""];
  for (let i = 0; i < 600; i++) {
    near.stream.write(Buffer.from(`${i},`));
    sent += `${i},`;
    if (i % 3 === 0) {
      its.sockets[0]?.answer(`${i};`);
      back += `${i};`;
    }
    its.world.clock.advance(100);
    if (i % 2 === 0) await settle();
  }
  await settle();
  expect([its.sockets[0]?.received, near.text, near.resetBy]).toEqual([sent, back, undefined]);
  // each carrier is left after 4.75 s
  expect(its.dials.length).toBe(1 + Math.floor(60 / 4.75));
  expect(its.connector.status().state).toBe("connected");
  await stop(its);
});

test("a replacement that fails leaves the old carrier in service, and is tried again ever more seldom", async () => {
  const its = await renewing({ random: jitter(0.999_999) });
  const near = await openStream(its.world);
  its.line.down = DOWN;
  await pass(its.world.clock, 60 * SECOND, SECOND);
  expect(its.connector.status()).toMatchObject({
    state: "connected",
    carrier: "memory",
    error: { code: "E_HUB_UNREACHABLE" },
  });
  for (let i = 0; i < 4; i++) await untilDialled(its);
  const waits = its.dials.slice(1).map((at, n) => at - (its.dials[n] as number));
  // the age limit, then the waits between tries
  expect(waits.map((wait) => Math.round(wait / SECOND))).toEqual([60, 1, 2, 4, 8]);
  near.stream.write(Buffer.from("still here"));
  await settle();
  expect([its.sockets[0]?.received, near.resetBy, its.visits[0]?.agentEnd.closed]).toEqual([
    "still here",
    undefined,
    false,
  ]);
  its.line.down = undefined;
  await untilDialled(its);
  await until(() => its.said().includes("carrier replaced"));
  expect(its.connector.status()).toMatchObject({ state: "connected", error: undefined });
  expect(its.visits[0]?.agentEnd.closed).toBe(true);
  await stop(its);
});

test("a loss while a failed replacement waits for its next try is acted on at once", async () => {
  const its = await renewing({ random: jitter(0.999_999) });
  const near = await openStream(its.world);
  its.line.down = DOWN;
  await pass(its.world.clock, 60 * SECOND, SECOND);
  for (let i = 0; i < 4; i++) await untilDialled(its);
  // the next try would be 16 s from now
  its.line.down = undefined;
  const [before, now] = [its.dials.length, its.world.clock.now()];
  near.stream.write(Buffer.from("on its way"));
  its.visits[0]?.agentEnd.cut("the proxy cut it");
  await until(() => its.dials.length > before);
  await connected(its);
  await settle();
  expect([its.dials.at(-1), its.world.clock.now()]).toEqual([now, now]);
  expect([its.sockets[0]?.received, near.resetBy]).toEqual(["on its way", undefined]);
  await stop(its);
});

test("a loss while the replacement dials is shown, and what it dials takes over", async () => {
  const its = await renewing();
  const near = await openStream(its.world);
  const release = holdLine(its);
  await pass(its.world.clock, 58 * SECOND, SECOND);
  const since = its.connector.status().since;
  its.visits[0]?.agentEnd.cut("the proxy cut it");
  await until(() => its.connector.status().state !== "connected");
  expect(its.connector.status()).toMatchObject({ state: "connecting", carrier: undefined });
  expect(its.connector.status().since).toBeGreaterThan(since);
  near.stream.write(Buffer.from("goes on"));
  release();
  await connected(its);
  await settle();
  expect([its.dials.length, its.sockets[0]?.received, near.resetBy]).toEqual([2, "goes on", undefined]);
  // it had been without a carrier: that is a new connection, not a replacement
  expect(its.said().filter((message) => message === "connected")).toHaveLength(2);
  await stop(its);
});

test("that the hub leaves the old carrier as it takes the new one is no loss", async () => {
  const its = await renewing();
  const since = its.connector.status().since;
  its.line.sites = {
    attach(...taken) {
      // the end of the old carrier may well be here before the answer on the new one
      its.visits[0]?.agentEnd.cut("replaced by a newer carrier");
      expect(its.connector.status()).toMatchObject({ state: "connected", since });
      its.world.sites.attach(...taken);
    },
  };
  await pass(its.world.clock, 58 * SECOND, SECOND);
  await until(() => its.said().includes("carrier replaced"));
  expect(its.connector.status()).toMatchObject({ state: "connected", since });
  await stop(its);
});

test("a replacement whose handshake fails once the old carrier is gone is followed by another try", async () => {
  const its = await renewing();
  its.line.sites = {
    attach() {
      its.visits[0]?.agentEnd.cut("the proxy cut it");
      its.visits[1]?.agentEnd.cut("and the other one");
    },
  };
  await pass(its.world.clock, 58 * SECOND, SECOND);
  await waiting(its);
  its.line.sites = its.world.sites;
  await untilDialled(its);
  await connected(its);
  expect(its.said()).not.toContain("carrier replaced");
  await stop(its);
});

test("a loss while the replacement dials in vain is followed by another try", async () => {
  const its = await renewing();
  const release = holdLine(its);
  await pass(its.world.clock, 58 * SECOND, SECOND);
  its.visits[0]?.agentEnd.cut("the proxy cut it");
  await settle();
  its.line.down = DOWN;
  release();
  await waiting(its);
  expect(its.connector.status().error?.code).toBe("E_HUB_UNREACHABLE");
  its.line.down = undefined;
  expect(await untilDialled(its)).toBe(500);
  await connected(its);
  await stop(its);
});

test("a hub that lost the session while its carrier still stood begins a new one: the old streams end", async () => {
  const its = await renewing();
  const near = await openStream(its.world);
  await settle();
  its.line.sites = {
    attach(site, agent, _wanted, link, answer) {
      its.world.sites.attach(site, agent, { session: null, received: 0 }, link, answer);
    },
  };
  await pass(its.world.clock, 58 * SECOND, SECOND);
  await until(() => its.dials.length === 2);
  await connected(its);
  await settle();
  expect([near.resetBy, its.sockets[0]?.wasReset]).toEqual(["sessionLost", true]);
  const next = await openStream(its.world);
  next.stream.write(Buffer.from("new"));
  await settle();
  expect([its.sockets[1]?.received, its.connector.status().state]).toEqual(["new", "connected"]);
  await stop(its);
});

test("a change of this host's addresses replaces the carrier within seconds, and only then", async () => {
  let network = "10.0.0.5";
  const its = await renewing({ maxAge: undefined, network: () => network });
  await pass(its.world.clock, 120 * SECOND, SECOND);
  expect(its.dials).toHaveLength(1);
  network = "192.168.7.5";
  const changed = its.world.clock.now();
  await pass(its.world.clock, 5 * SECOND, SECOND);
  await until(() => its.said().includes("carrier replaced"));
  expect((its.dials[1] as number) - changed).toBeLessThanOrEqual(5 * SECOND);
  await pass(its.world.clock, 120 * SECOND, SECOND);
  expect([its.dials.length, its.visits[0]?.agentEnd.closed, its.said().includes("connection lost")]).toEqual([
    2,
    true,
    false,
  ]);
  await stop(its);
});

test("a connection counts as stable from its first carrier on, however often that was replaced", async () => {
  const its = await rig({ random: jitter(0.999_999), maxAge: 10 * SECOND });
  its.line.down = DOWN;
  its.start();
  await waiting(its);
  for (let i = 0; i < 6; i++) await untilDialled(its);
  its.line.down = undefined;
  await untilDialled(its);
  await connected(its);
  // no single carrier holds for the 30 s that wipe the failures before
  await pass(its.world.clock, 35 * SECOND);
  expect(its.said().filter((message) => message === "carrier replaced").length).toBe(3);
  its.line.down = DOWN;
  its.visits.at(-1)?.agentEnd.cut("lost");
  await waiting(its);
  expect(await untilDialled(its)).toBe(200);
  await waiting(its);
  expect(await untilDialled(its)).toBe(1_000);
  await stop(its);
});

/** A connector whose hub's side is held by the test. */
async function withHub(): Promise<{ its: Rig; hubs: Tunnel[] }> {
  const its = await rig();
  const hubs: Tunnel[] = [];
  its.line.sites = {
    attach(_site, _agent, wanted, link, answer) {
      const present = wanted.session ? hubs.at(-1) : undefined;
      const { clock } = its.world;
      const tunnel =
        present ??
        createTunnel({
          side: "hub",
          id: Buffer.alloc(16, 1),
          clock,
          random: jitter(0.5),
          defer: queueMicrotask,
          handlers: { accept() {}, control() {}, carrier() {}, goAway() {}, end() {} },
        });
      if (!present) hubs.push(tunnel);
      const { session } = tunnel;
      const from = session.resumeAt(wanted.received);
      answer({ session: session.id, resumed: present !== undefined, received: session.received, from });
      session.adopt(link, from, session.received);
    },
  };
  its.start();
  await connected(its);
  await settle();
  return { its, hubs };
}

test("a hub that asks for another carrier gets it at once, and the session goes on", async () => {
  const { its, hubs } = await withHub();
  const [hub] = hubs as [Tunnel];
  hub.session.sendGoAway(0);
  await until(() => its.said().includes("carrier replaced"));
  expect(its.dials).toEqual([0, 0]);
  expect([hubs.length, hub.session.ended, its.visits[0]?.agentEnd.closed]).toEqual([1, undefined, true]);
  expect(its.said()).not.toContain("connection lost");
  await stop(its);
});

test("a hub that stops is left for as long as it asks, and half as long again", async () => {
  for (const [unit, after] of [
    [0, 4_000],
    [0.5, 6_000],
    [0.9999, 7_999.6],
  ] as const) {
    const its = await rig({ random: jitter(unit) });
    its.start();
    await connected(its);
    await settle();
    its.world.sites.endAll(new FarsiteError("E_SESSION_LOST", "the hub stops"), 4_000);
    await waiting(its);
    expect(its.connector.status().error).toMatchObject({ message: "the hub stops" });
    its.world.clock.advance(after - 1);
    await settle();
    expect(its.dials).toHaveLength(1);
    its.world.clock.advance(1);
    await connected(its);
    // that held for one time only
    its.visits.at(-1)?.agentEnd.cut("lost");
    await waiting(its);
    expect(await untilDialled(its, 1)).toBeLessThanOrEqual(200);
    await stop(its);
  }
});

test("a hub that stops and names no time is dialled again as after any loss", async () => {
  const its = await rig();
  its.start();
  await connected(its);
  await settle();
  its.world.sites.endAll(new FarsiteError("E_SESSION_LOST", "the hub stops"), 0);
  await waiting(its);
  expect(await untilDialled(its, 1)).toBe(100);
  await connected(its);
  await stop(its);
});

test("the time after which to come back counts also when the carrier is lost without an end", async () => {
  const { its, hubs } = await withHub();
  hubs[0]?.session.sendGoAway(4_000);
  await settle();
  expect(its.connector.status().state).toBe("connected");
  its.visits[0]?.agentEnd.cut("the hub is gone");
  await waiting(its);
  expect(await untilDialled(its)).toBe(6_000);
  await stop(its);
});

test("it stops while a replacement dials, and leaves no timer and no session behind", async () => {
  const its = await renewing();
  const release = holdLine(its);
  await pass(its.world.clock, 58 * SECOND, SECOND);
  expect(its.dials).toHaveLength(2);
  its.connector.stop();
  release();
  await its.start();
  await its.visits[1]?.welcomed;
  await settle();
  expect([its.world.sites.connected(), its.world.clock.pending]).toEqual([[], 0]);
});

test("it stops while a failed replacement waits, and leaves no timer and no session behind", async () => {
  const its = await renewing();
  its.line.down = DOWN;
  await pass(its.world.clock, 58 * SECOND, SECOND);
  await stop(its);
  await settle();
  expect([its.world.sites.connected(), its.world.clock.pending]).toEqual([[], 0]);
});

test("it stops while it is connected and watches over its carrier, and leaves no timer behind", async () => {
  const its = await renewing();
  await stop(its);
  await settle();
  expect([its.world.sites.connected(), its.world.clock.pending]).toEqual([[], 0]);
});

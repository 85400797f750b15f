import { expect, test } from "vitest";
import { memoryPair } from "../../../common/carrier/memory.ts";
import { FakeClock } from "../../../common/clock.ts";
import { FarsiteError } from "../../../common/errors.ts";
import { openStream, pass, SECOND, settle, until, type Visit } from "../handshake/rig.ts";
import { connected, jitter, type Rig, rig, stop, untilDialled, waiting } from "./rig.ts";

test("it connects, tells the hub its services, and says so", async () => {
  const its = await rig();
  const running = its.start();
  await connected(its);
  await settle();
  expect(its.connector.status()).toMatchObject({
    state: "connected",
    url: "wss://hub.example",
    tenant: "acme",
    site: "main",
    carrier: "memory",
    streams: 0,
    clockSkew: 0,
    error: undefined,
  });
  expect(its.world.sites.state((await its.world.site()).id).offers).toEqual(["livestatus"]);
  its.connector.stop();
  await running;
});

test("after a carrier was lost the session goes on over the next, and its streams with it", async () => {
  const its = await rig();
  const running = its.start();
  await connected(its);
  const near = await openStream(its.world);
  near.stream.write(Buffer.from("one "));
  await settle();
  its.visits[0]?.agentEnd.cut("the line went dead");
  await waiting(its);
  expect(its.connector.status().error).toMatchObject({
    code: "E_CARRIER_LOST",
    message: "the line went dead",
  });
  near.stream.write(Buffer.from("two"));
  its.world.clock.advance(100);
  await connected(its);
  await settle();
  expect([its.sockets.length, its.sockets[0]?.received, near.resetBy]).toEqual([1, "one two", undefined]);
  its.connector.stop();
  await running;
});

test("while the hub cannot be reached the waits grow, up to half a minute, and the reason is logged once", async () => {
  const its = await rig({ random: jitter(1) });
  its.line.down = new FarsiteError("E_HUB_UNREACHABLE", "no connection to wss://hub.example", "Look.");
  const running = its.start();
  for (let i = 0; i < 8; i++) {
    await waiting(its);
    // from one timer to the next, whenever that is
    for (const before = its.dials.length; its.dials.length === before; ) {
      its.world.clock.advance(500);
      await settle();
    }
  }
  await waiting(its);
  const waits = its.dials.slice(1).map((at, n) => at - (its.dials[n] as number));
  expect(waits).toEqual([1, 2, 4, 8, 16, 30, 30, 30].map((seconds) => seconds * SECOND));
  expect(its.log.lines.filter((line) => line.level === "error")).toHaveLength(1);
  expect(its.connector.status().error).toEqual({
    code: "E_HUB_UNREACHABLE",
    message: "no connection to wss://hub.example",
    hint: "Look.",
    hop: "connection",
  });
  its.line.down = undefined;
  its.world.clock.advance(30 * SECOND);
  await connected(its);
  its.connector.stop();
  await running;
});

test("a carrier that is lost is replaced at once, with a little jitter", async () => {
  const waits: number[] = [];
  for (const unit of [0.005, 0.5, 0.995]) {
    const its = await rig({ random: jitter(unit) });
    its.start();
    await connected(its);
    its.visits[0]?.agentEnd.cut("lost");
    await waiting(its);
    waits.push(await untilDialled(its, 1));
    await stop(its);
  }
  expect(waits).toEqual([1, 100, 199]);
});

test("a connection that fails again at once does not begin the waits anew; one that held does", async () => {
  const its = await rig({ random: jitter(1), session: { deadAfter: 1e9 } });
  its.start();
  const loseAfter = async (ms: number): Promise<number> => {
    await connected(its);
    its.world.clock.advance(ms);
    await settle();
    its.visits.at(-1)?.agentEnd.cut("lost");
    await waiting(its);
    return untilDialled(its);
  };
  const waits: number[] = [];
  const slow = () => waits.filter((wait) => wait > 200);
  while (slow().length < 4) waits.push(await loseAfter(0));
  // thirty quick tries, and one more for each second that passes meanwhile
  expect(waits.slice(0, 37)).toEqual(Array(37).fill(200));
  expect(slow()).toEqual([1, 2, 4, 8].map((seconds) => seconds * SECOND));
  waits.length = 0;
  waits.push(await loseAfter(30 * SECOND));
  while (slow().length < 2) waits.push(await loseAfter(0));
  expect(waits.slice(0, 37)).toEqual(Array(37).fill(200));
  expect(slow()).toEqual([1 * SECOND, 2 * SECOND]);
  await stop(its);
});

test("a refusal while streams wait is no reason to keep them waiting: something on the way may have changed it", async () => {
  const its = await rig({ random: jitter(0.999_999) });
  its.start();
  await connected(its);
  const near = await openStream(its.world);
  its.line.down = new FarsiteError("E_HUB_KEY", "what answered could not prove to be the hub");
  its.visits[0]?.agentEnd.cut("lost");
  near.stream.write(Buffer.from("still here"));
  await waiting(its);
  await untilDialled(its);
  await waiting(its);
  its.line.down = undefined;
  expect(await untilDialled(its)).toBe(SECOND);
  await connected(its);
  await settle();
  expect([its.sockets[0]?.received, near.resetBy]).toEqual(["still here", undefined]);
  await stop(its);
});

test("while streams wait, a try that is swallowed is given up soon; each further one gets twice as long", async () => {
  const its = await rig({ random: jitter(0), timeout: 8 * SECOND });
  its.start();
  await connected(its);
  const near = await openStream(its.world);
  its.line.stalled = true;
  its.visits[0]?.agentEnd.cut("lost");
  near.stream.write(Buffer.from("still here"));
  for (let i = 0; i < 5; i++) await untilDialled(its);
  expect(its.timeouts).toEqual([8, 3, 6, 8, 8, 8].map((seconds) => seconds * SECOND));
  // the dial is answered at once here, and the handshake never
  const tries = its.dials.slice(2).map((at, n) => at - (its.dials[n + 1] as number));
  expect(tries.map((ms) => Math.floor(ms / SECOND))).toEqual([3, 6, 8, 8]);
  its.line.stalled = false;
  await untilDialled(its);
  await connected(its);
  await settle();
  expect([its.sockets[0]?.received, near.resetBy]).toEqual(["still here", undefined]);
  its.visits.at(-1)?.agentEnd.cut("lost again");
  await untilDialled(its);
  expect(its.timeouts.at(-1)).toBe(3 * SECOND);
  await stop(its);
});

test("an agent whose streams have ended has all the time that is configured for a try", async () => {
  const its = await rig({ timeout: 20 * SECOND });
  its.start();
  await connected(its);
  its.world.sites.endAll(new FarsiteError("E_SESSION_LOST", "the hub stops"), 0);
  await waiting(its);
  await untilDialled(its);
  expect(its.timeouts).toEqual([20 * SECOND, 20 * SECOND]);
  await stop(its);
});

test("what only a person can change is tried ten times less often, and works once it is changed", async () => {
  const its = await rig({ random: jitter(1) });
  await its.world.registry.setEnabled("test", "acme", "main", false);
  const running = its.start();
  await waiting(its);
  expect(its.connector.status().error?.code).toBe("E_SITE_DISABLED");
  its.world.clock.advance(10 * SECOND - 1);
  await settle();
  expect(its.dials).toHaveLength(1);
  await its.world.registry.setEnabled("test", "acme", "main", true);
  its.world.clock.advance(1);
  await connected(its);
  expect(its.connector.status().error).toBeUndefined();
  its.connector.stop();
  await running;
});

test("a session that found no carrier within its grace is given up on both sides, and a new one begins", async () => {
  const its = await rig({ session: { grace: 5 * SECOND } });
  const running = its.start();
  await connected(its);
  const near = await openStream(its.world);
  await settle();
  its.line.down = new FarsiteError("E_HUB_UNREACHABLE", "down");
  its.visits[0]?.agentEnd.cut("lost");
  await waiting(its);
  its.world.clock.advance(5 * SECOND - 1);
  await settle();
  expect(its.sockets[0]?.destroyed).toBe(false);
  its.world.clock.advance(1);
  await settle();
  expect(its.sockets[0]?.wasReset).toBe(true);
  its.line.down = undefined;
  await pass(its.world.clock, 20 * SECOND);
  await connected(its);
  await settle();
  expect(near.resetBy).toBe("sessionLost");
  expect(its.world.sites.state((await its.world.site()).id).state).toBe("connected");
  its.connector.stop();
  await running;
});

test("a line that is dead without a word is given up after the limit, and dialled again", async () => {
  const its = await rig({ session: { deadAfter: 3 * SECOND } });
  const running = its.start();
  await connected(its);
  const [{ agentEnd, hubEnd }] = its.visits as [Visit];
  agentEnd.tamper = () => undefined;
  hubEnd.tamper = () => undefined;
  await pass(its.world.clock, 2 * SECOND);
  expect(its.dials).toHaveLength(1);
  await pass(its.world.clock, 2 * SECOND);
  expect(its.log.lines.find((line) => line.message === "connection lost")?.fields.reason).toBe(
    "nothing heard for 3 s",
  );
  await connected(its);
  expect(its.dials).toHaveLength(2);
  its.connector.stop();
  await running;
});

test("the hub gets no more streams than the agent's limit", async () => {
  const its = await rig({ maxStreams: 2 });
  const running = its.start();
  await connected(its);
  const taps = [await openStream(its.world), await openStream(its.world), await openStream(its.world)];
  await settle();
  expect(taps.map((tap) => tap.resetBy)).toEqual([undefined, undefined, "limit"]);
  expect(its.connector.status().streams).toBe(2);
  its.connector.stop();
  await running;
});

test("a hub that never answers is given up after the limit", async () => {
  const its = await rig({
    timeout: 2 * SECOND,
    dial: async () => memoryPair()[0],
  });
  const running = its.start();
  await settle();
  its.world.clock.advance(2 * SECOND - 1);
  await settle();
  expect(its.connector.status().state).toBe("connecting");
  its.world.clock.advance(1);
  await waiting(its);
  expect(its.connector.status().error?.code).toBe("E_HANDSHAKE_TIMEOUT");
  its.connector.stop();
  await running;
});

test("a clock that is off by more than a minute is worth a warning", async () => {
  const its = await rig();
  const late = await rig({ clock: new FakeClock(its.world.clock.wall() + 61 * SECOND) });
  for (const one of [its, late]) {
    const running = one.start();
    await connected(one);
    one.connector.stop();
    await running;
  }
  const warned = (one: Rig) => one.log.lines.filter((line) => line.message.includes("clock"));
  expect(warned(its)).toEqual([]);
  expect(warned(late).map((line) => line.fields)).toEqual([{ ms: 61 * SECOND }]);
});

test("it stops at once while it is connected, and the hub is told", async () => {
  const its = await rig();
  const running = its.start();
  await connected(its);
  its.connector.stop();
  await running;
  await settle();
  const state = its.world.sites.state((await its.world.site()).id);
  expect(state).toMatchObject({ state: "disconnected", reason: "the agent stops" });
  expect(its.world.clock.pending).toBe(0);
});

test("it stops at once while it waits", async () => {
  const its = await rig();
  its.line.down = new FarsiteError("E_HUB_UNREACHABLE", "down");
  const running = its.start();
  await waiting(its);
  its.connector.stop();
  await running;
  expect([its.dials.length, its.world.clock.pending]).toEqual([1, 0]);
});

test("it stops while it dials, as soon as that is over, and leaves no session behind", async () => {
  const its = await rig();
  const hold = Promise.withResolvers<void>();
  its.line.hold = hold.promise;
  const running = its.start();
  await until(() => its.dials.length === 1);
  its.connector.stop();
  hold.resolve();
  await running;
  await its.visits[0]?.welcomed;
  await settle();
  expect(its.world.sites.state((await its.world.site()).id).state).toBe("disconnected");
  expect(its.world.clock.pending).toBe(0);
});

test("it stops while it waits for the hub's answer, as soon as that is there", async () => {
  const its = await rig();
  its.line.stalled = true;
  const running = its.start();
  await until(() => its.visits.length === 1);
  const { hubEnd, welcomed } = its.visits[0] as Visit;
  await until(() => hubEnd.unsent > 0);
  its.connector.stop();
  hubEnd.resume();
  await running;
  await welcomed;
  await settle();
  expect(its.world.sites.connected()).toEqual([]);
  expect(its.world.clock.pending).toBe(0);
});

import { expect, test } from "vitest";
import { FarsiteError } from "../../../common/errors.ts";
import { Agent, MINUTE, openStream, rejection, rejectionCode, SECOND, settle, until, World } from "./rig.ts";

test("a session goes on over a new carrier, and its streams with it", async () => {
  const world = await World.open();
  const agent = new Agent(world);
  await agent.enrol(await world.token());
  const first = world.receive();
  await agent.connect(first);
  const near = await openStream(world);
  near.stream.write(Buffer.from("one "));
  await settle();
  first.agentEnd.cut("the line went dead");
  await settle();
  near.stream.write(Buffer.from("two"));
  await agent.connect();
  expect(agent.answer?.resumed).toBe(true);
  expect(agent.accepted.map((tap) => tap.text)).toEqual(["one two"]);
  expect([near.resetBy, agent.ends]).toEqual([undefined, []]);
});

test("the newest carrier wins: the one before is closed and nothing is lost", async () => {
  const world = await World.open();
  const agent = await world.enrolled();
  const first = world.receive();
  await agent.connect(first);
  const near = await openStream(world);
  near.stream.write(Buffer.from("one "));
  const second = world.receive();
  await agent.connect(second);
  near.stream.write(Buffer.from("two"));
  await settle();
  expect(agent.answer?.resumed).toBe(true);
  expect([first.hubEnd.closed, second.hubEnd.closed]).toEqual([true, false]);
  expect(agent.accepted[0]?.text).toBe("one two");
});

test("an agent that asks for no session gets a new one, which ends the one before", async () => {
  const world = await World.open();
  const agent = await world.connected();
  const near = await openStream(world);
  await agent.connect(world.receive(), { session: null, received: 0 });
  expect(agent.answer?.resumed).toBe(false);
  expect(near.resetBy).toBe("sessionLost");
  expect(agent.ends.map((end) => end.code)).toEqual(["E_SESSION_LOST"]);
});

test("an agent that names another session than its site's gets a new one", async () => {
  const world = await World.open();
  const agent = await world.connected();
  const present = agent.answer?.session;
  await agent.connect(world.receive(), { session: Buffer.alloc(16, 1), received: 0 });
  expect(agent.answer?.resumed).toBe(false);
  expect(agent.answer?.session).not.toEqual(present);
});

test("a session that the hub no longer has is answered with a new one", async () => {
  const world = await World.open();
  const agent = await world.enrolled();
  const first = world.receive();
  await agent.connect(first);
  const old = agent.answer?.session;
  first.agentEnd.cut("the line went dead");
  await settle();
  world.clock.advance(61 * SECOND);
  expect(world.sites.state((await world.site()).id).state).toBe("disconnected");
  await agent.connect(world.receive(), { session: old as Uint8Array, received: 3 });
  expect(agent.answer).toMatchObject({ resumed: false, received: 0, from: 0 });
  expect(agent.answer?.session).not.toEqual(old);
});

test("an agent that names another tenant's session gets its own, and the other is untouched", async () => {
  const world = await World.open();
  const acme = await world.connected("acme");
  const stream = await openStream(world, "acme");
  stream.stream.write(Buffer.from("for acme"));
  await settle();
  const globex = await world.enrolled("globex");
  await globex.connect(world.receive(), acme.wanted());
  expect(globex.answer?.resumed).toBe(false);
  expect(globex.answer?.session).not.toEqual(acme.answer?.session);
  stream.stream.write(Buffer.from(" alone"));
  await settle();
  expect(acme.accepted[0]?.text).toBe("for acme alone");
  expect([globex.accepted, acme.ends, acme.losses, stream.resetBy]).toEqual([[], [], [], undefined]);
  expect(world.sites.connected()).toHaveLength(2);
});

test("a claim to have received what was never sent closes the new carrier and spares the session", async () => {
  const world = await World.open();
  const agent = await world.connected();
  const liar = world.receive();
  const { session } = agent.wanted();
  await agent.connect(liar, { session, received: 1_000 }).catch(() => {});
  await until(() => liar.hubEnd.closed);
  await liar.welcomed;
  expect(world.refusals).toEqual(["E_PROTOCOL"]);
  expect(world.sites.state((await world.site()).id).state).toBe("connected");
});

test("a revoked key is cut off and stays out", async () => {
  const world = await World.open();
  const agent = await world.connected();
  const { id } = await world.registry.revoke("test", "acme", "main");
  world.sites.cut(id, new FarsiteError("E_KEY_REVOKED", "this agent's key was revoked"));
  await settle();
  expect(agent.ends.map((end) => end.code)).toEqual(["E_KEY_REVOKED"]);
  expect(await rejectionCode(agent.connect())).toBe("E_KEY_REVOKED");
});

test("the agent of a disabled site is refused, and let in again once it is enabled", async () => {
  const world = await World.open();
  const agent = await world.enrolled();
  await world.registry.setEnabled("test", "acme", "main", false);
  expect(await rejectionCode(agent.connect())).toBe("E_SITE_DISABLED");
  await world.registry.setEnabled("test", "acme", "main", true);
  await agent.connect();
});

test("the agent of a removed site is refused as unknown", async () => {
  const world = await World.open();
  const agent = await world.enrolled();
  await world.registry.removeSite("test", "acme", "main");
  expect(await rejectionCode(agent.connect())).toBe("E_KEY_UNKNOWN");
});

test("a key that is revoked during its handshake gets no further", async () => {
  const world = await World.open();
  const agent = await world.enrolled();
  const over = world.receive();
  let held = false;
  over.agentEnd.tamper = (message) => {
    // ATTACH waits until the key is revoked
    if (held) return message;
    held = true;
    queueMicrotask(() => {
      over.agentEnd.stalled = true;
    });
    return message;
  };
  const connecting = agent.connect(over).catch((error: FarsiteError) => error);
  await until(() => over.agentEnd.stalled && over.agentEnd.unsent > 0);
  const { id } = await world.registry.revoke("test", "acme", "main");
  world.sites.cut(id, new FarsiteError("E_KEY_REVOKED", "this agent's key was revoked"));
  over.agentEnd.resume();
  await over.welcomed;
  expect(await connecting).toMatchObject({ code: "E_KEY_REVOKED" });
  expect(world.sites.state(id)).toMatchObject({ state: "disconnected", since: 0 });
});

test("a session notes what the agent says of itself, and how far its clock is off", async () => {
  const world = await World.open();
  const agent = new Agent(world, 3 * MINUTE);
  await agent.enrol(await world.token());
  expect(await agent.connect()).toMatchObject({ clockSkew: 3 * MINUTE });
  const state = world.sites.state((await world.site()).id);
  expect(state).toMatchObject({ state: "connected", agent: { clockSkew: 3 * MINUTE }, carrier: "memory" });
  expect((await world.site()).lastSeen).toBe(world.clock.wall());
});

test("a clock that is wrong by a day keeps no enrolled agent out", async () => {
  const world = await World.open();
  const agent = new Agent(world);
  await agent.enrol(await world.token());
  const later = new Agent(world, 24 * 60 * MINUTE);
  later.identity = agent.identity;
  expect(await later.connect()).toMatchObject({ clockSkew: 24 * 60 * MINUTE });
});

test("half of the time on the way is taken off when clocks are compared", async () => {
  const world = await World.open();
  const agent = new Agent(world, 1);
  await agent.enrol(await world.token());
  const over = world.receive();
  over.hubEnd.stalled = true;
  const connecting = agent.connect(over);
  await until(() => over.hubEnd.unsent > 0);
  agent.clock.advance(4 * SECOND);
  over.hubEnd.resume();
  expect((await connecting).clockSkew).toBe(2 * SECOND + 1);
});

test("refusals keep their words on the way to the agent", async () => {
  const world = await World.open();
  const refused = await rejection(new Agent(world).connect());
  expect(refused).toMatchObject({ code: "E_KEY_UNKNOWN", message: "this agent is not enrolled at this hub" });
  expect([world.refusals, world.guesses]).toEqual([["E_KEY_UNKNOWN"], ["a"]]);
});

import { expect, test } from "vitest";
import { FarsiteError } from "../../../common/errors.ts";
import { pack } from "../../../common/msgpack.ts";
import { INTERACTIVE } from "../../../common/mux/index.ts";
import { openStream, SECOND, settle, World } from "../handshake/rig.ts";
import { Tap } from "../mux/rig.ts";

test("a site's state follows its carrier and its session, each change with its time and reason", async () => {
  const world = await World.open();
  const { id } = await world.site();
  const state = () => world.sites.state(id);
  expect(state()).toEqual({ state: "disconnected", since: 0, streams: 0, offers: [] });
  const agent = await world.enrolled();
  const over = world.receive();
  await agent.connect(over);
  const connected = world.clock.wall();
  expect(state()).toMatchObject({ state: "connected", since: connected, peer: "a", carrier: "memory" });
  world.clock.advance(SECOND);
  over.agentEnd.cut("the line went dead");
  await settle();
  expect(state()).toMatchObject({
    state: "interrupted",
    since: connected + SECOND,
    reason: "the line went dead",
  });
  world.clock.advance(60 * SECOND);
  expect(state()).toMatchObject({
    state: "disconnected",
    since: connected + 61 * SECOND,
    reason: "no new carrier within 60 s: the line went dead",
  });
});

test("no stream is opened to a site that is not connected now", async () => {
  const world = await World.open();
  const { id } = await world.site();
  const open = () => world.sites.open(id, "livestatus", INTERACTIVE);
  expect(open()).toBeUndefined();
  const agent = await world.enrolled();
  const over = world.receive();
  await agent.connect(over);
  expect(open()).toBeDefined();
  over.agentEnd.cut("gone");
  await settle();
  expect(open()).toBeUndefined();
});

test("a site gets no more streams than the hub's limit", async () => {
  const world = await World.open();
  const { id } = await world.site();
  await world.connected();
  const opened = Array.from({ length: 20 }, () => world.sites.open(id, "livestatus", INTERACTIVE));
  expect(opened.filter((stream) => stream !== undefined)).toHaveLength(16);
});

test("a stream that an agent opens towards the hub is refused", async () => {
  const world = await World.open();
  const agent = await world.connected();
  const tap = new Tap(agent.tunnel?.mux.open("livestatus", INTERACTIVE) as never);
  await settle();
  expect([tap.resetBy, agent.ends]).toEqual(["serviceRefused", []]);
});

test("what an agent says it offers is shown; what it says of things unknown here is left alone", async () => {
  const world = await World.open();
  const agent = await world.connected();
  agent.tunnel?.mux.sendControl(pack({ kind: "services", names: ["livestatus", "http"] }));
  agent.tunnel?.mux.sendControl(pack({ kind: "of-a-newer-release", names: 7 }));
  await settle();
  expect(world.sites.state((await world.site()).id)).toMatchObject({
    state: "connected",
    offers: ["livestatus", "http"],
  });
});

test.each([
  ["names that are none", pack({ kind: "services", names: ["../etc"] })],
  ["257 names", pack({ kind: "services", names: Array(257).fill("a") })],
  ["no kind", pack({ names: [] })],
  ["no MessagePack", Buffer.from([0xc1])],
])("a control message with %s ends the session, and tells both sides", async (_, body) => {
  const world = await World.open();
  const agent = await world.connected();
  agent.tunnel?.mux.sendControl(body);
  await settle();
  expect(agent.ends.map((end) => end.code)).toEqual(["E_PROTOCOL"]);
  expect(world.sites.state((await world.site()).id).state).toBe("disconnected");
});

test("cutting a site ends its session and streams at once, and no other site's", async () => {
  const world = await World.open();
  const [acme, globex] = [await world.connected("acme"), await world.connected("globex")];
  const [ours, theirs] = [await openStream(world, "acme"), await openStream(world, "globex")];
  world.sites.cut((await world.site("acme")).id, new FarsiteError("E_KEY_REVOKED", "revoked"));
  expect([ours.resetBy, theirs.resetBy]).toEqual(["sessionLost", undefined]);
  await settle();
  expect([acme.ends.map((end) => end.code), globex.ends]).toEqual([["E_KEY_REVOKED"], []]);
  expect(world.sites.connected()).toEqual([(await world.site("globex")).id]);
});

test("a site that is gone for good leaves no reason behind", async () => {
  const world = await World.open();
  const { id } = await world.site();
  await world.connected();
  world.sites.cut(id, new FarsiteError("E_KEY_REVOKED", "removed"));
  expect(world.sites.state(id).reason).toBe("removed");
  world.sites.forget(id);
  expect(world.sites.state(id)).toEqual({ state: "disconnected", since: 0, streams: 0, offers: [] });
});

test("when the hub stops every agent is told, and no timer is left", async () => {
  const world = await World.open();
  const agents = [await world.connected("acme"), await world.connected("globex")];
  world.sites.endAll(new FarsiteError("E_SESSION_LOST", "the hub stops"));
  await settle();
  expect(agents.map((agent) => agent.ends.map((end) => end.message))).toEqual([
    ["the hub stops"],
    ["the hub stops"],
  ]);
  expect([world.sites.connected(), world.clock.pending]).toEqual([[], 0]);
});

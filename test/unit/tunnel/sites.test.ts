import { expect, test } from "vitest";
import { FarsiteError } from "../../../common/errors.ts";
import { pack } from "../../../common/msgpack.ts";
import { INTERACTIVE } from "../../../common/mux/index.ts";
import { HOLD, openStream, pass, SECOND, settle, World } from "../handshake/rig.ts";
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
  const open = () => world.sites.open(id, "livestatus", INTERACTIVE, false);
  expect(open()).toBeUndefined();
  const agent = await world.enrolled();
  const over = world.receive();
  await agent.connect(over);
  expect(open()).toBeDefined();
  over.agentEnd.cut("gone");
  await settle();
  world.clock.advance(HOLD + 1);
  expect(open()).toBeUndefined();
  world.clock.advance(60 * SECOND);
  expect(open()).toBeUndefined();
});

test("no stream is opened to a service that the registry does not give the site, whatever its agent offers", async () => {
  const world = await World.open();
  const { id, services } = await world.site();
  const agent = await world.enrolled();
  await agent.connect(world.receive());
  agent.tunnel?.mux.sendControl(pack({ kind: "services", names: [...services, "ssh"] }));
  await settle();
  const open = (service: string) => world.sites.open(id, service, INTERACTIVE, false);
  expect(services.map((service) => open(service) !== undefined)).toEqual(services.map(() => true));
  for (const other of ["ssh", "", "tcp:127.0.0.1:22", "127.0.0.1:22"]) expect(open(other)).toBeUndefined();
  // one that is taken from it, too
  world.sites.know(await world.registry.setServices("test", "acme", "main", ["ssh"]));
  expect(services.map(open)).toEqual(services.map(() => undefined));
});

test("no stream is opened to a push-only agent, and why is said in words", async () => {
  const world = await World.open();
  const { id } = await world.site();
  const agent = await world.enrolled();
  await agent.connect(world.receive());
  agent.tunnel?.mux.sendControl(pack({ kind: "services", names: [], pushOnly: true }));
  await settle();
  expect(world.sites.open(id, "livestatus", INTERACTIVE, false)).toBeUndefined();
  expect(world.sites.unreachable(id)).toContain("push-only");
  expect(world.sites.state(id)).toMatchObject({ state: "connected", pushOnly: true, offers: [] });
});

test("why no stream can be opened is said in words, and nothing as long as one can", async () => {
  const world = await World.open();
  const { id } = await world.site();
  const reason = () => world.sites.unreachable(id);
  expect(reason()).toBe("the site is not connected: its agent has not come since the hub was started");
  const agent = await world.enrolled();
  const over = world.receive();
  await agent.connect(over);
  expect(reason()).toBeUndefined();
  over.agentEnd.cut("the line went dead");
  await settle();
  world.clock.advance(HOLD);
  expect(reason()).toBeUndefined();
  world.clock.advance(1);
  expect(reason()).toBe("the site is not connected: the line went dead");
  world.clock.advance(60 * SECOND);
  expect(reason()).toBe("the site is not connected: no new carrier within 60 s: the line went dead");
});

test("while a carrier is being replaced new streams wait for the next, and open there", async () => {
  const world = await World.open();
  const agent = await world.enrolled();
  const over = world.receive();
  await agent.connect(over);
  const before = await openStream(world);
  over.agentEnd.cut("gone");
  await settle();
  const taps = [await openStream(world)];
  world.clock.advance(HOLD);
  taps.push(await openStream(world));
  for (const [n, tap] of [before, ...taps].entries()) tap.stream.write(Buffer.from(`${n}`));
  expect(world.sites.state((await world.site()).id)).toMatchObject({ state: "interrupted", streams: 3 });
  await agent.connect();
  expect(agent.accepted.map((tap) => tap.text)).toEqual(["0", "1", "2"]);
  expect([before, ...taps].map((tap) => tap.resetBy)).toEqual([undefined, undefined, undefined]);
});

test("the time for which new streams wait begins anew with each loss", async () => {
  const world = await World.open();
  const { id } = await world.site();
  const agent = await world.enrolled();
  for (let i = 0; i < 3; i++) {
    const over = world.receive();
    await agent.connect(over);
    world.clock.advance(HOLD - SECOND);
    over.agentEnd.cut("gone");
    await settle();
    world.clock.advance(HOLD);
    expect(world.sites.open(id, "livestatus", INTERACTIVE, false)).toBeDefined();
    world.clock.advance(1);
    expect(world.sites.open(id, "livestatus", INTERACTIVE, false)).toBeUndefined();
  }
});

test("streams that waited in vain are reset when the session ends", async () => {
  const world = await World.open();
  const over = world.receive();
  await (await world.enrolled()).connect(over);
  over.agentEnd.cut("gone");
  await settle();
  const tap = await openStream(world);
  world.clock.advance(60 * SECOND);
  expect(tap.resetBy).toBe("sessionLost");
  expect(world.sites.open((await world.site()).id, "livestatus", INTERACTIVE, false)).toBeUndefined();
});

test("a stream is packed when whoever opens it says so", async () => {
  const world = await World.open();
  const { id } = await world.site();
  const agent = await world.connected();
  const text = "x".repeat(100_000);
  const { session } = agent.tunnel as NonNullable<typeof agent.tunnel>;
  const bytes: number[] = [];
  for (const packed of [true, false]) {
    let received = 0;
    const link = session.link as NonNullable<typeof session.link>;
    const onMessage = link.onMessage.bind(link);
    link.onMessage = (message) => {
      received += message.length;
      onMessage(message);
    };
    world.sites.open(id, "livestatus", INTERACTIVE, packed)?.write(Buffer.from(text));
    await settle();
    expect(agent.accepted.at(-1)?.text).toBe(text);
    bytes.push(received);
  }
  expect(bytes[0]).toBeLessThan(1_000);
  expect(bytes[1]).toBeGreaterThan(100_000);
});

test("a site gets no more streams than the hub's limit", async () => {
  const world = await World.open();
  const { id } = await world.site();
  await world.connected();
  const opened = Array.from({ length: 20 }, () => world.sites.open(id, "livestatus", INTERACTIVE, false));
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

const CORE = { started: 1, pid: 2, program: "p", livestatus: "l" };
const REPORT = { kind: "core", service: "livestatus", state: "online", since: 0, core: CORE };
const DEAD = { kind: "core", service: "livestatus", state: "dead", cause: "hung", reason: "r", since: 0 };

test("what an agent says of its core is kept for its session, fit for a line; of other cores nothing is", async () => {
  const world = await World.open();
  const { id } = await world.site();
  const agent = await world.connected();
  const say = async (report: unknown) => {
    agent.tunnel?.mux.sendControl(pack(report));
    await settle();
    return world.sites.state(id).core;
  };
  expect(await say({ ...REPORT, service: "livestatus-2" })).toBeUndefined();
  expect(await say({ ...REPORT, of: "a newer release", core: { ...CORE, more: 1 } })).toEqual(REPORT);
  const nasty = "a\nSite x: state changed\u001b[2J\u202e\u2028";
  expect(await say({ ...DEAD, reason: nasty })).toEqual({ ...DEAD, reason: "a?Site x: state changed?[2J??" });
  agent.tunnel = undefined;
  await agent.connect();
  expect(world.sites.state(id).core).toBeUndefined();
});

test("reports without end are not acted upon one by one, and the last one counts", async () => {
  const world = await World.open();
  const { id } = await world.site();
  const agent = await world.connected();
  let changes = 0;
  world.changed = () => void changes++;
  for (let i = 0; i <= 1_000; i++)
    agent.tunnel?.mux.sendControl(pack({ ...REPORT, core: { ...CORE, pid: i } }));
  await settle();
  expect([changes, agent.ends]).toEqual([10, []]);
  world.clock.advance(SECOND);
  expect(changes).toBe(11);
  expect(world.sites.state(id).core).toMatchObject({ core: { pid: 1_000 } });
  await pass(world.clock, 5 * SECOND);
  expect(changes).toBe(11);
  // one that behaves from now on is heard at once
  agent.tunnel?.mux.sendControl(pack(DEAD));
  await settle();
  expect(changes).toBe(12);
});

test.each([
  ["a reason of 201 characters", { ...DEAD, reason: "x".repeat(201) }],
  ["a release of 65 characters", { ...REPORT, core: { ...CORE, program: "x".repeat(65) } }],
  ["a cause that is none", { ...DEAD, cause: "bored" }],
  ["a state that is none", { ...DEAD, state: "down" }],
  ["no cause", { ...DEAD, cause: undefined }],
  ["online without a core", { ...REPORT, core: undefined }],
  ["a time before all time", { ...DEAD, since: -1 }],
  ["a time after all time", { ...DEAD, since: 1e300 }],
  ["a time that is none", { ...DEAD, since: "now" }],
  ["a start that is none", { ...REPORT, core: { ...CORE, started: Number.NaN } }],
  ["a part of a process", { ...REPORT, core: { ...CORE, pid: 0.5 } }],
  ["fewer than no hosts", { ...REPORT, core: { ...CORE, hosts: -1 } }],
  ["a service that is none", { ...DEAD, service: "../x" }],
])("a report on a core with %s ends the session", async (_, report) => {
  const world = await World.open();
  const agent = await world.connected();
  agent.tunnel?.mux.sendControl(pack(report));
  await settle();
  expect(agent.ends.map((end) => end.code)).toEqual(["E_PROTOCOL"]);
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
  world.sites.endAll(new FarsiteError("E_SESSION_LOST", "the hub stops"), 2 * SECOND);
  await settle();
  expect(agents.map((agent) => agent.ends.map((end) => end.message))).toEqual([
    ["the hub stops"],
    ["the hub stops"],
  ]);
  // when to come back, before the end
  expect(agents.map((agent) => agent.goAways)).toEqual([[2 * SECOND], [2 * SECOND]]);
  expect([world.sites.connected(), world.clock.pending]).toEqual([[], 0]);
});

test("a hub that stops and names no time to come back does not ask for another carrier instead", async () => {
  const world = await World.open();
  const agent = await world.connected();
  world.sites.endAll(new FarsiteError("E_SESSION_LOST", "the hub stops"), 0);
  await settle();
  expect([agent.goAways, agent.ends.map((end) => end.message)]).toEqual([[], ["the hub stops"]]);
});

test("an agent that asks the hub to go away is not heeded", async () => {
  const world = await World.open();
  const agent = await world.connected();
  const near = await openStream(world);
  for (const ms of [0, 5 * SECOND]) agent.tunnel?.session.sendGoAway(ms);
  near.stream.write(Buffer.from("still here"));
  await settle();
  expect([agent.accepted[0]?.text, near.resetBy, agent.losses]).toEqual(["still here", undefined, []]);
  expect(world.sites.connected()).toEqual([(await world.site()).id]);
});

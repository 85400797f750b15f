import { expect, test } from "vitest";
import { preamble, pskOf } from "../../../common/handshake/index.ts";
import { pack } from "../../../common/msgpack.ts";
import { Handshake, IK, IKpsk2, KeyPair } from "../../../common/noise/index.ts";
import { systemRandom } from "../../../common/random.ts";
import { records } from "../../../common/session/index.ts";
import {
  Agent,
  alter,
  listen,
  record,
  rejection,
  rejectionCode,
  settle,
  TIMEOUT,
  until,
  World,
} from "./rig.ts";

/** A message 1 that is good in every way but for what `payload` is. */
function firstMessage(world: World, kind: preamble.HandshakeKind, payload: unknown): Buffer {
  const handshake = new Handshake({
    pattern: kind === preamble.SESSION ? IK : IKpsk2,
    role: "initiator",
    prologue: preamble.prologue(kind),
    localStatic: KeyPair.identity(systemRandom),
    remoteStatic: world.identity.publicKey,
    random: systemRandom,
  });
  const bytes = payload instanceof Uint8Array ? payload : pack(payload);
  return preamble.encodeFirst(kind, handshake.writeMessage(bytes));
}

const HELLO = { agent: "0.0.0", time: 0, host: "h" };

test("a peer that says nothing is closed when the time is over, to the millisecond", async () => {
  const world = await World.open();
  const over = world.receive();
  world.clock.advance(TIMEOUT - 1);
  await settle();
  expect(over.hubEnd.closed).toBe(false);
  world.clock.advance(1);
  await over.welcomed;
  await settle();
  expect([over.hubEnd.closed, world.refusals]).toEqual([true, ["E_HANDSHAKE_TIMEOUT"]]);
  expect(world.clock.pending).toBe(0);
});

test("the time counts for the whole handshake, however it is spread", async () => {
  const world = await World.open();
  const agent = await world.enrolled();
  const over = world.receive();
  const sent = record(over.hubEnd);
  alter(over.agentEnd, 1, () => undefined);
  world.clock.advance(TIMEOUT - 1);
  const connecting = rejectionCode(agent.connect(over));
  await until(() => sent.length === 1);
  expect(over.hubEnd.closed).toBe(false);
  world.clock.advance(1);
  await over.welcomed;
  expect([world.refusals, await connecting]).toEqual([["E_HANDSHAKE_TIMEOUT"], "E_CARRIER_LOST"]);
  expect([over.hubEnd.closed, world.clock.pending]).toEqual([true, 0]);
});

test("an agent that was accepted and then says nothing gets no session", async () => {
  const world = await World.open();
  const agent = await world.enrolled();
  const before = await world.dump();
  const over = world.receive();
  const sent = record(over.hubEnd);
  alter(over.agentEnd, 1, () => undefined);
  const connecting = rejection(agent.connect(over));
  await until(() => sent.length === 1);
  world.clock.advance(TIMEOUT);
  await Promise.all([over.welcomed, connecting]);
  expect(world.refusals).toEqual(["E_HANDSHAKE_TIMEOUT"]);
  expect([world.sites.connected(), world.clock.pending]).toEqual([[], 0]);
  expect(await world.dump()).toBe(before);
});

test("an agent gives up a hub that says nothing when the time is over", async () => {
  const world = await World.open();
  const agent = new Agent(world, 1);
  await agent.enrol(await world.token());
  const over = world.receive();
  over.hubEnd.stalled = true;
  const connecting = rejection(agent.connect(over));
  agent.clock.advance(TIMEOUT - 1);
  await settle();
  expect(over.agentEnd.closed).toBe(false);
  agent.clock.advance(1);
  expect(await connecting).toMatchObject({
    code: "E_HANDSHAKE_TIMEOUT",
    message: "the handshake did not finish in 10 s",
  });
  await settle();
  expect([over.agentEnd.closed, agent.clock.pending]).toEqual([true, 0]);
});

test("a peer that sends a second message before its turn is closed", async () => {
  const world = await World.open();
  const over = world.receive();
  listen(over);
  over.agentEnd.send(
    firstMessage(world, preamble.ENROLMENT, { ...HELLO, token: Buffer.alloc(8), secret: Buffer.alloc(32) }),
  );
  over.agentEnd.send(Buffer.from("too early"));
  await over.welcomed;
  await settle();
  expect(over.hubEnd.closed).toBe(true);
});

test("an enrolled agent that sends a second message before its turn is closed, without a session", async () => {
  const world = await World.open();
  const agent = await world.enrolled();
  const over = world.receive();
  const connecting = rejectionCode(agent.connect(over));
  over.agentEnd.send(Buffer.from("too early"));
  await over.welcomed;
  expect(world.refusals).toEqual(["E_HANDSHAKE"]);
  expect(["E_HANDSHAKE", "E_CARRIER_LOST"]).toContain(await connecting);
  expect(world.sites.connected()).toEqual([]);
});

test("a peer that babbles is closed at once", async () => {
  const world = await World.open();
  const over = world.receive();
  for (let i = 0; i < 100; i++) over.agentEnd.send(Buffer.alloc(65_535));
  await over.welcomed;
  await settle();
  expect([over.hubEnd.closed, over.agentEnd.closed, world.clock.pending]).toEqual([true, true, 0]);
});

test("an agent closes a hub that babbles", async () => {
  const world = await World.open();
  const over = world.receive();
  over.hubEnd.send(Buffer.from("one"));
  over.hubEnd.send(Buffer.from("two"));
  expect(await rejectionCode(new Agent(world).connect(over))).toBe("E_HANDSHAKE");
});

test.each([
  ["nothing", Buffer.alloc(0)],
  ["two bytes", Buffer.from([0x46, 1])],
  ["another magic", Buffer.from("GET / HTTP/1.1\r\n")],
  ["an unknown kind", Buffer.from([0x46, 1, 9, 1, 2, 3])],
  ["a first message of 4,097 bytes", preamble.encodeFirst(preamble.SESSION, Buffer.alloc(4_094))],
  ["a first message of 65,535 bytes", preamble.encodeFirst(preamble.SESSION, Buffer.alloc(65_532))],
])("%s is answered with E_HANDSHAKE, counted as a guess, and closed", async (_, message) => {
  const world = await World.open();
  const over = world.receive();
  const heard = listen(over);
  over.agentEnd.send(message);
  await over.welcomed;
  await settle();
  expect(heard.messages).toHaveLength(1);
  expect(() => preamble.decodeSecond(heard.messages[0] as Buffer)).toThrow(
    expect.objectContaining({ code: "E_HANDSHAKE" }),
  );
  expect([heard.closed, world.refusals, world.guesses]).toEqual([["E_HANDSHAKE"], ["E_HANDSHAKE"], ["a"]]);
});

test("a Noise message for another key is answered with E_HUB_KEY", async () => {
  const world = await World.open();
  const over = world.receive();
  const heard = listen(over);
  over.agentEnd.send(preamble.encodeFirst(preamble.SESSION, Buffer.alloc(200, 7)));
  await over.welcomed;
  expect(() => preamble.decodeSecond(heard.messages[0] as Buffer)).toThrow(
    expect.objectContaining({ code: "E_HUB_KEY" }),
  );
});

test.each([
  ["is not MessagePack", Buffer.from([0xc1])],
  ["has a field of another type", { ...HELLO, time: "now" }],
  ["has no field at all", {}],
  ["has a host name of 201 characters", { ...HELLO, host: "h".repeat(201) }],
])("a hello that %s ends in E_PROTOCOL and changes nothing", async (_, payload) => {
  const world = await World.open();
  const before = await world.dump();
  const over = world.receive();
  listen(over);
  over.agentEnd.send(firstMessage(world, preamble.SESSION, payload));
  await over.welcomed;
  await settle();
  expect([world.refusals, over.hubEnd.closed]).toEqual([["E_PROTOCOL"], true]);
  expect(await world.dump()).toBe(before);
});

test("a fault in the registry closes the carrier without a word of it to the peer", async () => {
  const world = await World.open();
  world.registry.siteOfKey = () => Promise.reject(new Error("disk I/O error"));
  const over = world.receive();
  const refused = await rejection(new Agent(world).connect(over));
  await over.welcomed;
  expect(refused.message).not.toContain("disk");
  expect(world.refusals).toEqual(["E_INTERNAL"]);
  expect(world.log.lines.find((line) => line.level === "error")?.fields.fault).toContain("disk I/O error");
});

test.each([
  ["session", preamble.SESSION, records.ENROL],
  ["enrolment", preamble.ENROLMENT, records.ATTACH],
] as const)("after the handshake of a %s the other one's record is refused", async (_, kind, wrong) => {
  const world = await World.open();
  const agent = await world.enrolled();
  const token = await world.token();
  const before = await world.dump();
  const over = world.receive();
  const handshake = new Handshake({
    pattern: kind === preamble.SESSION ? IK : IKpsk2,
    role: "initiator",
    prologue: preamble.prologue(kind),
    localStatic: kind === preamble.SESSION ? agent.identity : KeyPair.identity(systemRandom),
    remoteStatic: world.identity.publicKey,
    random: systemRandom,
  });
  if (kind === preamble.ENROLMENT) handshake.setPsk(pskOf(token.secret));
  const heard = listen(over);
  const payload = { ...HELLO, token: token.id, secret: token.secret };
  over.agentEnd.send(preamble.encodeFirst(kind, handshake.writeMessage(pack(payload))));
  await until(() => heard.messages.length === 1);
  handshake.readMessage(preamble.decodeSecond(heard.messages[0] as Buffer));
  over.agentEnd.send(handshake.split().encrypt(Buffer.from([wrong])));
  await over.welcomed;
  expect(world.refusals).toEqual(["E_PROTOCOL"]);
  expect(await world.dump()).toBe(before);
});

test("what the hub refuses in the open cannot carry control characters to a terminal", async () => {
  const world = await World.open();
  const over = world.receive();
  over.hubEnd.tamper = () => Buffer.from("\x46\x01\x01E_HUB_BUSY \x1b[2Jgone\r\n", "latin1");
  const refused = await rejection(new Agent(world).connect(over));
  expect([refused.code, refused.message]).toEqual(["E_HUB_BUSY", "?[2Jgone??"]);
});

import { expect, test } from "vitest";
import { FarsiteError } from "../../../common/errors.ts";
import {
  END,
  encodeAck,
  encodeEnd,
  encodeGoAway,
  encodePing,
  FRAMES_HEADER,
  PING,
  PONG,
} from "../../../common/session/record.ts";
import { connect, framesRecord, lone, pair, settle, wire } from "./rig.ts";

const codesOf = (ends: FarsiteError[]) => ends.map((end) => `${end.code} ${end.message}`);

for (const [ending, other] of [
  ["agent", "hub"],
  ["hub", "agent"],
] as const) {
  test(`an end said by the ${ending} ends both sides once, with its reason`, async () => {
    const rig = pair();
    const over = connect(rig.agent.session, rig.hub.session);
    rig[other].say("unacknowledged");
    await settle();
    rig[ending].session.end(new FarsiteError("E_KEY_REVOKED", "key replaced"));
    rig[ending].session.end(new FarsiteError("E_LIMIT", "said twice"));
    await settle();
    expect(codesOf(rig[ending].ends)).toEqual(["E_KEY_REVOKED key replaced"]);
    expect(codesOf(rig[other].ends)).toEqual(["E_KEY_REVOKED key replaced"]);
    expect([over.agentLink.closed, over.hubLink.closed, rig.clock.pending]).toEqual([true, true, 0]);
  });
}

test("what was sent before the end arrives before it", async () => {
  const { agent, hub } = pair();
  connect(agent.session, hub.session);
  agent.say("last words");
  await settle();
  agent.say("never pulled");
  agent.session.end(new FarsiteError("E_SITE_DISABLED", "off"));
  await settle();
  expect([hub.heard, codesOf(hub.ends)]).toEqual([["last words"], ["E_SITE_DISABLED off"]]);
});

test("a session without a carrier can be ended, and leaves no timer", async () => {
  const { clock, agent, hub } = pair();
  connect(agent.session, hub.session).cut();
  await settle();
  agent.session.end(new FarsiteError("E_KEY_REVOKED", "revoked"));
  hub.session.end(new FarsiteError("E_KEY_REVOKED", "revoked"));
  expect([agent.ends.length, hub.ends.length, clock.pending]).toEqual([1, 1, 0]);
});

test("nothing is sent, taken or timed after the end", async () => {
  const { clock, side, sent, farLink, near } = lone();
  near.close = () => {};
  side.session.end(new FarsiteError("E_LIMIT", "enough"));
  side.say("too late");
  for (const record of [framesRecord("late"), encodeAck(0), encodePing(PING, 1)]) farLink.send(record);
  await settle();
  clock.advance(100_000);
  await settle();
  expect(sent).toEqual([encodeEnd(new FarsiteError("E_LIMIT", "enough"))]);
  expect([side.heard, side.pulled, side.ends.length, clock.pending]).toEqual([[], 0, 1, 0]);
});

test("an end from within a FRAMES record leaves no timer and keeps nothing", async () => {
  const { clock, side, farLink } = lone({
    handlers: { frames: () => side.session.end(new FarsiteError("E_LIMIT", "enough")) },
  });
  farLink.send(framesRecord("x"));
  await settle();
  expect([codesOf(side.ends), clock.pending]).toEqual([["E_LIMIT enough"], 0]);
});

test("an end from within pull sends nothing more", async () => {
  let record: Buffer | undefined;
  const pull = () => {
    if (record) side.session.end(new FarsiteError("E_LIMIT", "enough"));
    return record;
  };
  const { clock, side, sent } = lone({ handlers: { pull } });
  record = framesRecord("too late");
  side.session.wake();
  await settle();
  expect([sent, clock.pending]).toEqual([[encodeEnd(new FarsiteError("E_LIMIT", "enough"))], 0]);
});

/** Records that break the protocol when three FRAMES were sent and two of them acknowledged. */
const malformed: [string, Buffer][] = [
  ["an ACK too short", encodeAck(2).subarray(0, 6)],
  ["an ACK too long", Buffer.concat([encodeAck(2), Buffer.of(0)])],
  ["an ACK of more than was sent", encodeAck(4)],
  ["an ACK that goes backwards", encodeAck(1)],
  ["a FRAMES shorter than its header", framesRecord("", 2).subarray(0, FRAMES_HEADER - 1)],
  ["a FRAMES that is nothing but its kind", Buffer.of(0)],
  ["a FRAMES that acknowledges more than was sent", framesRecord("z", 4)],
  ["a FRAMES that acknowledges less than before", framesRecord("z", 1)],
  ["a GOAWAY too short", encodeGoAway(1).subarray(0, 4)],
  ["a GOAWAY too long", Buffer.concat([encodeGoAway(1), Buffer.of(0)])],
  ["a PING too short", encodePing(PING, 1).subarray(0, 4)],
  ["a PING too long", Buffer.concat([encodePing(PING, 1), Buffer.of(0)])],
  ["a PONG too short", encodePing(PONG, 1).subarray(0, 1)],
  ["a PONG too long", Buffer.concat([encodePing(PONG, 1), Buffer.of(0)])],
  ["ATTACH in the middle of a session", Buffer.of(4, 0x80)],
  ["ATTACHED in the middle of a session", Buffer.of(5, 0x80)],
  ["an END too long", Buffer.concat([Buffer.of(6), Buffer.alloc(513, "x")])],
  ["ENROL in the middle of a session", Buffer.of(7)],
  ["ENROLLED in the middle of a session", Buffer.of(8)],
  ["an unknown kind", Buffer.of(99, 1, 2, 3)],
  ["the last unknown kind", Buffer.of(255)],
];

for (const [what, record] of malformed) {
  test(`${what} ends the session with E_PROTOCOL, and the other side is told`, async () => {
    const { clock, side, sent, farLink } = lone();
    side.say("a", "b", "c");
    await settle();
    farLink.send(encodeAck(2));
    farLink.send(framesRecord("x", 2));
    farLink.send(record);
    farLink.send(framesRecord("y", 2));
    await settle();
    expect(side.ends.map((end) => end.code)).toEqual(["E_PROTOCOL"]);
    expect(side.heard).toEqual(["x"]);
    expect(sent.at(-1)?.[0]).toBe(END);
    expect(sent.at(-1)?.toString("utf8", 1)).toMatch(/^E_PROTOCOL malformed record: /);
    expect([clock.pending, farLink.closed]).toEqual([0, true]);
  });
}

test("a malformed record that came before the session adopted its carrier ends it without a timer left", async () => {
  const { clock, agent } = pair();
  const over = wire();
  over.hubLink.send(Buffer.of(99));
  await settle();
  agent.session.adopt(over.agentLink, 0, 0);
  expect([agent.ends.map((end) => end.code), clock.pending]).toEqual([["E_PROTOCOL"], 0]);
});

test("an ACK repeated is harmless", async () => {
  const { side, farLink } = lone();
  side.say("a");
  await settle();
  for (let i = 0; i < 3; i++) farLink.send(encodeAck(1));
  await settle();
  expect(side.ends).toEqual([]);
});

test("frames that whoever is above refuses end the session with that reason", async () => {
  const refusal = new FarsiteError("E_PROTOCOL", "malformed frame: flags");
  const refuse = () => {
    throw refusal;
  };
  const { clock, side, sent, farLink } = lone({ handlers: { frames: refuse } });
  farLink.send(framesRecord("x"));
  await settle();
  expect([side.ends, clock.pending]).toEqual([[refusal], 0]);
  expect(sent).toEqual([encodeEnd(refusal)]);
});

test("a fault while a record is taken ends the session: it must not go on with half a record lost", async () => {
  const fault = () => {
    throw new TypeError("undefined is not a function");
  };
  const { clock, side, farLink } = lone({ handlers: { frames: fault } });
  farLink.send(framesRecord("x"));
  await settle();
  expect(side.ends.map((end) => end.code)).toEqual(["E_INTERNAL"]);
  expect([clock.pending, farLink.closed]).toEqual([0, true]);
});

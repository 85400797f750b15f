import { expect, test } from "vitest";
import { ACK, encodeAck } from "../../../common/session/record.ts";
import { SESSION_LIMITS } from "../../../common/session/session.ts";
import { connect, framesRecord, lone, ofKind, pair, settle, wire } from "./rig.ts";

test("what was received is acknowledged after ackDelay and not before", async () => {
  const { clock, sent, farLink } = lone({ limits: { ackDelay: 25 } });
  farLink.send(framesRecord("one"));
  await settle();
  clock.advance(24);
  await settle();
  expect(sent).toEqual([]);
  clock.advance(1);
  await settle();
  expect(sent).toEqual([encodeAck(1)]);
});

test("one acknowledgement answers for all that came within ackDelay of the first", async () => {
  const { clock, sent, farLink } = lone({ limits: { ackDelay: 25 } });
  for (let i = 0; i < 5; i++) {
    farLink.send(framesRecord(`${i}`));
    await settle();
    clock.advance(5);
  }
  await settle();
  expect(sent).toEqual([encodeAck(5)]);
});

test("ackBytes received are acknowledged at once, and the delay starts anew", async () => {
  const { clock, sent, farLink } = lone({ limits: { ackBytes: 30, ackDelay: 25 } });
  clock.advance(10);
  for (let i = 0; i < 2; i++) farLink.send(framesRecord("9 letters"));
  await settle();
  expect(sent).toEqual([]);
  farLink.send(framesRecord("9 letters"));
  await settle();
  expect(sent).toEqual([encodeAck(3)]);
  clock.advance(1_000);
  await settle();
  expect(sent).toEqual([encodeAck(3)]);
  farLink.send(framesRecord("x"));
  await settle();
  clock.advance(24);
  await settle();
  expect(sent).toEqual([encodeAck(3)]);
  clock.advance(1);
  await settle();
  expect(sent).toEqual([encodeAck(3), encodeAck(4)]);
});

test("what is acknowledged is not sent again on the next carrier", async () => {
  const { clock, agent, hub } = pair();
  const first = connect(agent.session, hub.session);
  agent.say("a", "b", "c");
  await settle();
  clock.advance(25);
  await settle();
  first.cut();
  await settle();
  const second = connect(agent.session, hub.session);
  expect(second.agent.unsent).toBe(0);
});

test("records are given back once and in order, when they are acknowledged and not before", async () => {
  const { side, farLink } = lone();
  side.say("a", "b", "c");
  await settle();
  expect(side.givenBack).toEqual([]);
  farLink.send(encodeAck(2));
  await settle();
  expect(side.givenBack).toEqual(["a", "b"]);
  farLink.send(encodeAck(2));
  farLink.send(encodeAck(3));
  await settle();
  expect(side.givenBack).toEqual(["a", "b", "c"]);
});

test("a record acknowledged while it waits to be sent again is given back only when it has been", async () => {
  const { side, near } = lone();
  side.say("a", "b");
  await settle();
  near.cut("cut");
  await settle();
  const next = wire();
  next.agent.stalled = true;
  next.agent.unsent = SESSION_LIMITS.unsentBytes;
  side.session.adopt(next.agentLink, 0, 0);
  next.hubLink.send(encodeAck(2));
  await settle();
  expect(side.givenBack).toEqual([]);
  next.agent.unsent = 0;
  next.hubLink.send(encodeAck(2));
  await settle();
  expect(side.givenBack).toEqual(["a", "b"]);
});

test("a session with nothing received does not acknowledge", async () => {
  const { clock, sent } = lone();
  clock.advance(1_000);
  await settle();
  expect(ofKind(sent, ACK)).toEqual([]);
});

test("what came over the old carrier after the claim was made is acknowledged on the new one", async () => {
  const { clock, agent, hub } = pair({ limits: { replayBytes: 30 } });
  const old = connect(agent.session, hub.session);
  old.agent.tamper = () => undefined;
  // the agent's claim of 0 is on its way when the old carrier brings all that may wait unacknowledged
  const claimed = agent.session.received;
  hub.say("ten letter", "ten letter", "ten letter", "the rest");
  await settle();
  expect(agent.session.received).toBe(3);
  old.cut();
  await settle();
  const next = wire();
  hub.session.adopt(next.hubLink, claimed, 0);
  agent.session.adopt(next.agentLink, 0, claimed);
  await settle();
  clock.advance(25);
  await settle();
  expect(agent.heard).toEqual(["ten letter", "ten letter", "ten letter", "the rest"]);
});

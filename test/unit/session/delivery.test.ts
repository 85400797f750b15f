import { expect, test } from "vitest";
import { encodeAck, FRAMES } from "../../../common/session/record.ts";
import { connect, framesRecord, lone, ofKind, pair, pass, settle } from "./rig.ts";

test("what both sides say arrives at the other once and in order", async () => {
  const { agent, hub } = pair();
  connect(agent.session, hub.session);
  const texts = Array.from({ length: 200 }, (_, i) => `${i}`);
  agent.say(...texts);
  hub.say(...texts.map((text) => `hub ${text}`));
  await settle();
  expect(hub.heard).toEqual(texts);
  expect(agent.heard).toEqual(texts.map((text) => `hub ${text}`));
  expect([agent.session.received, hub.session.received]).toEqual([200, 200]);
});

test("what was said before there was a carrier goes out on the first one", async () => {
  const { agent, hub } = pair();
  agent.say("early", "bird");
  await settle();
  connect(agent.session, hub.session);
  await settle();
  expect(hub.heard).toEqual(["early", "bird"]);
});

test("nothing is pulled before the turn that woke the session is over", async () => {
  const { agent, hub } = pair();
  connect(agent.session, hub.session);
  agent.say("a");
  agent.say("b");
  expect(agent.pulled).toBe(0);
  await settle();
  expect(hub.heard).toEqual(["a", "b"]);
});

test("an idle session sends nothing but its heartbeat", async () => {
  const { clock, sent } = lone();
  await pass(clock, 2_000);
  expect(sent).toEqual([]);
});

test("nothing is sent while replayBytes wait for acknowledgement, and an ACK sets it free", async () => {
  const { side, sent, farLink } = lone({ limits: { replayBytes: 64 } });
  side.say(...Array.from({ length: 10 }, () => "9 letters"));
  await settle();
  // each record is 16 bytes
  expect(sent).toHaveLength(4);
  farLink.send(encodeAck(1));
  await settle();
  expect(sent).toHaveLength(5);
  farLink.send(encodeAck(4));
  await settle();
  expect(sent).toHaveLength(8);
});

test("the bytes kept for replay never exceed replayBytes by more than one record", async () => {
  const { side, sent, farLink } = lone({ limits: { replayBytes: 1000 } });
  const texts = Array.from({ length: 100 }, (_, i) => "x".repeat((i * 37) % 200));
  side.say(...texts);
  let acknowledged = 0;
  while (acknowledged < texts.length) {
    await settle();
    const kept = sent.slice(acknowledged).reduce((sum, record) => sum + record.length, 0);
    expect(kept).toBeLessThan(1000 + 206);
    expect(sent.length).toBeGreaterThan(acknowledged);
    farLink.send(encodeAck(++acknowledged));
  }
});

test("a stalled carrier gets no more than unsentBytes, and more once it drained", async () => {
  const { side, sent, near } = lone({ limits: { unsentBytes: 100 } });
  near.stalled = true;
  side.say(...Array.from({ length: 50 }, () => "9 letters"));
  await settle();
  // each record is 32 bytes on the carrier
  expect(near.unsent).toBe(128);
  near.resume();
  await settle();
  expect(sent).toHaveLength(50);
});

test("an ACK lets a session go on whose carrier has room again, without a drain", async () => {
  const { side, near, farLink } = lone({ limits: { unsentBytes: 100 } });
  near.stalled = true;
  side.say(...Array.from({ length: 8 }, () => "9 letters"));
  await settle();
  expect(side.outbox).toHaveLength(4);
  near.unsent = 64;
  farLink.send(encodeAck(1));
  await settle();
  expect(side.outbox).toHaveLength(2);
});

test("a replay, too, hands a stalled carrier no more than unsentBytes", async () => {
  const { agent, hub } = pair({ limits: { unsentBytes: 100 } });
  const first = connect(agent.session, hub.session);
  first.agent.tamper = () => undefined;
  const texts = Array.from({ length: 50 }, (_, i) => `number ${i}`);
  agent.say(...texts);
  await settle();
  expect(agent.outbox).toHaveLength(0);
  first.cut();
  await settle();
  const second = connect(agent.session, hub.session);
  expect(second.agent.unsent).toBeGreaterThan(0);
  second.agent.stalled = true;
  await settle();
  expect(second.agent.unsent).toBeLessThan(100 + 32);
  second.agent.resume();
  await settle();
  expect(hub.heard).toEqual(texts);
});

test("new records follow behind those that are replayed", async () => {
  const { agent, hub } = pair({ limits: { unsentBytes: 60 } });
  connect(agent.session, hub.session).blackHole();
  agent.say("a", "b", "c", "d");
  await settle();
  connect(agent.session, hub.session).agent.stalled = true;
  agent.say("e", "f");
  await settle();
  connect(agent.session, hub.session);
  await settle();
  expect(hub.heard).toEqual(["a", "b", "c", "d", "e", "f"]);
});

test("an empty FRAMES record counts like any other", async () => {
  const { side, sent, farLink } = lone({ limits: { ackBytes: 1 } });
  farLink.send(framesRecord(""));
  await settle();
  expect(side.heard).toEqual([""]);
  expect(ofKind(sent, FRAMES)).toEqual([]);
  expect(sent).toEqual([encodeAck(1)]);
});

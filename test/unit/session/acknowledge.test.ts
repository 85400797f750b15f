import { expect, test } from "vitest";
import { SESSION_LIMITS } from "../../../common/session/options.ts";
import { ACK, encodeAck, FRAMES } from "../../../common/session/record.ts";
import { connect, framesRecord, lone, ofKind, type Pair, pair, settle, type Wire, wire } from "./rig.ts";

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
  const { clock, sent, farLink } = lone({ limits: { ackBytes: 48, ackDelay: 25 } });
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
  next.agent.resume();
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
  const { clock, agent, hub } = pair({ limits: { replayBytes: 51 } });
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

test("a record that goes out anyway carries the acknowledgement, and none is sent for itself", async () => {
  const { clock, side, sent, farLink } = lone({ limits: { ackDelay: 25 } });
  farLink.send(framesRecord("question"));
  farLink.send(framesRecord("another"));
  await settle();
  side.say("answer");
  await settle();
  clock.advance(1_000);
  await settle();
  expect(sent).toEqual([framesRecord("answer", 2)]);
});

test("the acknowledgement in a record gives records back, and lets out what waited for it", async () => {
  const { side, sent, farLink } = lone({ limits: { replayBytes: 32 } });
  side.say("9 letters", "9 LETTERS", "the third");
  await settle();
  expect([sent.length, side.givenBack]).toEqual([2, []]);
  farLink.send(framesRecord("x", 1));
  await settle();
  expect([sent.length, side.givenBack]).toEqual([3, ["9 letters"]]);
  // what goes out now says that x has come
  expect(sent.at(-1)).toEqual(framesRecord("the third", 1));
});

test("a record that is sent again says what has come by now, not what had when it was new", async () => {
  const { side, near, farLink } = lone();
  side.say("a");
  await settle();
  for (const text of ["x", "y"]) farLink.send(framesRecord(text));
  await settle();
  near.cut("cut");
  await settle();
  const next = wire();
  const replayed: Buffer[] = [];
  next.hubLink.attach({ record: (record) => void replayed.push(record), drain() {}, close() {} });
  side.session.adopt(next.agentLink, 0, 2);
  await settle();
  expect(replayed).toEqual([framesRecord("a", 2)]);
});

test("a record that had come already is dropped, but what it acknowledges counts", async () => {
  const { side, farLink } = lone();
  side.say("a", "b");
  farLink.send(framesRecord("x"));
  await settle();
  const next = wire();
  side.session.adopt(next.agentLink, 0, 0);
  await settle();
  next.hubLink.send(framesRecord("x", 1));
  await settle();
  expect([side.heard, side.givenBack]).toEqual([["x"], ["a"]]);
});

test("after a record carried one, the next acknowledgement may come sooner than ackDelay, but no later", async () => {
  const { clock, side, sent, farLink } = lone({ limits: { ackDelay: 25 } });
  farLink.send(framesRecord("question"));
  await settle();
  clock.advance(10);
  side.say("answer");
  await settle();
  sent.length = 0;
  farLink.send(framesRecord("next"));
  await settle();
  // the timer of the first question still runs
  clock.advance(14);
  await settle();
  expect(sent).toEqual([]);
  clock.advance(1);
  await settle();
  expect(sent).toEqual([encodeAck(2)]);
  clock.advance(1_000);
  await settle();
  expect(sent).toEqual([encodeAck(2)]);
});

/** How often each side sends a record of a kind from now on. */
function count(over: Wire): Record<"agent" | "hub", (kind: number) => number> {
  const kinds = { agent: [] as (number | undefined)[], hub: [] as (number | undefined)[] };
  for (const end of ["agent", "hub"] as const) {
    over[end].tamper = (message) => {
      kinds[end].push(message[0]);
      return message;
    };
  }
  const counter = (end: "agent" | "hub") => (kind: number) =>
    kinds[end].filter((each) => each === kind).length;
  return { agent: counter("agent"), hub: counter("hub") };
}

/** The hub asks, the agent answers, so many times, each `ms` after the other; the first question is asked here. */
async function converse({ clock, agent, hub }: Pair, questions: number, ms: number): Promise<void> {
  hub.say("q");
  for (let said = { agent: 0, hub: 1 }; said.agent < questions; ) {
    await settle();
    if (agent.heard.length > said.agent) {
      said.agent++;
      agent.say("a");
    } else if (hub.heard.length >= said.hub && said.hub < questions) {
      said.hub++;
      hub.say("q");
    }
    clock.advance(ms);
  }
  await settle();
}

test("a conversation of questions and answers needs no acknowledgements of their own but the last", async () => {
  const rig = pair({ limits: { ackDelay: 5 } });
  const sent = count(connect(rig.agent.session, rig.hub.session));
  await converse(rig, 500, 0);
  rig.clock.advance(5);
  await settle();
  expect([rig.agent.heard.length, rig.hub.heard.length]).toEqual([500, 500]);
  expect([sent.agent(FRAMES), sent.hub(FRAMES)]).toEqual([500, 500]);
  expect([sent.agent(ACK), sent.hub(ACK)]).toEqual([0, 1]);
  expect([rig.agent.givenBack.length, rig.hub.givenBack.length]).toEqual([500, 500]);
});

test("one whose sides take longer than ackDelay is acknowledged once per record, as one way would be", async () => {
  const rig = pair({ limits: { ackDelay: 5, deadAfter: 1e9 } });
  const sent = count(connect(rig.agent.session, rig.hub.session));
  await converse(rig, 100, 6);
  expect([sent.agent(FRAMES), sent.hub(FRAMES)]).toEqual([100, 100]);
  for (const end of [sent.agent, sent.hub]) expect(end(ACK)).toBeLessThanOrEqual(100);
});

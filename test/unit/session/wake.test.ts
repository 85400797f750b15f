import { expect, test } from "vitest";
import { FakeClock } from "../../../common/clock.ts";
import { ACK, encodeAck, FRAMES } from "../../../common/session/record.ts";
import { Session } from "../../../common/session/session.ts";
import { Dice, framesRecord, ofKind, settle, turns, wire } from "./rig.ts";

/** A session whose turns of the event loop end when the test says so. */
function rig() {
  const deferred: (() => void)[] = [];
  const outbox: Buffer[] = [];
  const sent: Buffer[] = [];
  const pulls: number[] = [];
  const session = new Session(new Uint8Array(16), {
    clock: new FakeClock(),
    random: new Dice(1),
    limits: { ackBytes: 32 },
    defer: (run) => void deferred.push(run),
  });
  session.attach({
    pull: (lowest) => {
      pulls.push(lowest);
      return outbox.shift();
    },
    acknowledged() {},
    frames() {},
    carrier() {},
    goAway() {},
    end() {},
  });
  const { agentLink, hubLink } = wire();
  hubLink.attach({ record: (record) => void sent.push(record), drain() {}, close() {} });
  session.adopt(agentLink, 0, 0);
  const endTurn = async () => {
    for (const run of deferred.splice(0)) run();
    await settle();
  };
  return { session, outbox, sent, pulls, endTurn, hubLink };
}

test("what is woken now leaves before the turn ends", async () => {
  const { session, outbox, sent } = rig();
  outbox.push(framesRecord("short"));
  session.wake("now");
  expect(sent).toEqual([]);
  await turns(10);
  expect(ofKind(sent, FRAMES)).toHaveLength(1);
});

test("what is woken for the turn leaves when it ends, and what is woken for the next a turn later", async () => {
  const { session, outbox, sent, endTurn } = rig();
  outbox.push(framesRecord("one"));
  session.wake();
  await settle();
  expect(sent).toEqual([]);
  await endTurn();
  expect(ofKind(sent, FRAMES)).toHaveLength(1);
  outbox.push(framesRecord("two"));
  session.wake("next");
  await endTurn();
  expect(ofKind(sent, FRAMES)).toHaveLength(1);
  await endTurn();
  expect(ofKind(sent, FRAMES)).toHaveLength(2);
});

test("all that one turn brings is acknowledged once, when it ends", async () => {
  const { sent, endTurn, hubLink } = rig();
  for (let i = 0; i < 8; i++) hubLink.send(framesRecord("16 bytes of data"));
  await settle();
  expect(sent).toEqual([]);
  await endTurn();
  expect(sent).toEqual([encodeAck(8)]);
});

test("nothing is acknowledged for itself when a record went out in the same turn", async () => {
  const { session, outbox, sent, endTurn, hubLink } = rig();
  for (let i = 0; i < 8; i++) hubLink.send(framesRecord("16 bytes of data"));
  await settle();
  outbox.push(framesRecord("answer", 8));
  session.wake("now");
  await settle();
  await endTurn();
  expect(sent).toEqual([framesRecord("answer", 8)]);
  expect(ofKind(sent, ACK)).toEqual([]);
});

test("an acknowledgement asks for nothing to send when nothing was held back", async () => {
  const { session, outbox, pulls, endTurn, hubLink } = rig();
  outbox.push(framesRecord("one"));
  session.wake("now");
  await settle();
  const before = pulls.length;
  hubLink.send(framesRecord("answer", 1));
  await settle();
  await endTurn();
  expect(pulls.length).toBe(before);
});

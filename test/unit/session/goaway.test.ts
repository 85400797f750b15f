import { expect, test } from "vitest";
import { FarsiteError } from "../../../common/errors.ts";
import { decodeGoAway, encodeGoAway, GOAWAY } from "../../../common/session/record.ts";
import { connect, lone, ofKind, pair, settle } from "./rig.ts";

test("a GOAWAY is its kind and 32 bits of milliseconds, as many as fit", () => {
  expect(encodeGoAway(0x0102_0304)).toEqual(Buffer.of(9, 1, 2, 3, 4));
  for (const ms of [0, 1, 30_000, 0xffff_ffff]) expect(decodeGoAway(encodeGoAway(ms))).toBe(ms);
  expect(decodeGoAway(encodeGoAway(1e12))).toBe(0xffff_ffff);
});

test("a side that is asked to go away hears of it, at once or for how long, and the session goes on", async () => {
  const { agent, hub } = pair();
  const over = connect(agent.session, hub.session);
  for (const ms of [0, 2_000]) hub.session.sendGoAway(ms);
  hub.say("still here");
  agent.say("so am I");
  await settle();
  expect([agent.goAways, hub.goAways]).toEqual([[0, 2_000], []]);
  expect([agent.heard, hub.heard, agent.ends, hub.ends]).toEqual([["still here"], ["so am I"], [], []]);
  expect([agent.session.link, hub.session.link]).toEqual([over.agentLink, over.hubLink]);
});

test("what was asked before the end is heard before it", async () => {
  const { agent, hub } = pair();
  connect(agent.session, hub.session);
  const order: string[] = [];
  agent.goAways.push = (ms) => order.push(`away ${ms}`);
  agent.ends.push = (...ends) => order.push(...ends.map((end) => end.code));
  hub.session.sendGoAway(2_000);
  hub.session.end(new FarsiteError("E_SESSION_LOST", "the hub stops"));
  await settle();
  expect(order).toEqual(["away 2000", "E_SESSION_LOST"]);
});

test("it is said of one carrier: without one it is not said, and it is not said again on the next", async () => {
  const { agent, hub } = pair();
  hub.session.sendGoAway(1_000);
  const first = connect(agent.session, hub.session);
  await settle();
  expect(agent.goAways).toEqual([]);
  first.blackHole();
  hub.session.sendGoAway(2_000);
  await settle();
  connect(agent.session, hub.session);
  await settle();
  expect(agent.goAways).toEqual([]);
});

test("it is neither numbered nor acknowledged", async () => {
  const { clock, side, sent, farLink } = lone();
  for (let i = 0; i < 5; i++) farLink.send(encodeGoAway(0));
  side.session.sendGoAway(7);
  await settle();
  clock.advance(1_000);
  await settle();
  expect([side.goAways, side.session.received]).toEqual([[0, 0, 0, 0, 0], 0]);
  expect([sent, ofKind(sent, GOAWAY)]).toEqual([[encodeGoAway(7)], [encodeGoAway(7)]]);
});

test("whoever hears of it may end the session or leave the carrier at once", async () => {
  for (const leave of ["end", "dropCarrier"] as const) {
    const reason = new FarsiteError("E_CARRIER_LOST", "left");
    const { clock, side, farLink } = lone({ handlers: { goAway: () => side.session[leave](reason) } });
    farLink.send(encodeGoAway(0));
    await settle();
    expect([side.session.link, farLink.closed]).toEqual([undefined, true]);
    expect([side.ends.length, clock.pending]).toEqual(leave === "end" ? [1, 0] : [0, 1]);
  }
});

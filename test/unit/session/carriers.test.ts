import { expect, test } from "vitest";
import { FarsiteError } from "../../../common/errors.ts";
import { encodeAck, encodeEnd } from "../../../common/session/record.ts";
import { connect, dial, framesRecord, lone, pair, settle, wire } from "./rig.ts";

test("what a carrier lost is sent again on the next", async () => {
  const { agent, hub } = pair();
  const first = connect(agent.session, hub.session);
  agent.say("a");
  await settle();
  first.blackHole();
  agent.say("b", "c");
  hub.say("d");
  await settle();
  expect(hub.heard).toEqual(["a"]);
  first.cut();
  await settle();
  dial(agent.session, hub.session);
  await settle();
  expect(hub.heard).toEqual(["a", "b", "c"]);
  expect(agent.heard).toEqual(["d"]);
});

test("whoever is above is told when the carrier goes and when one comes", async () => {
  const { agent, hub } = pair();
  connect(agent.session, hub.session).agent.cut("line cut");
  await settle();
  connect(agent.session, hub.session);
  await settle();
  expect(agent.carriers).toEqual(["up", "E_CARRIER_LOST line cut", "up"]);
  expect(agent.session.link?.kind).toBe("memory");
});

test("the newest carrier wins while the old one still serves, and nobody sees a gap", async () => {
  const { agent, hub } = pair();
  const old = connect(agent.session, hub.session);
  agent.say("a");
  hub.say("b");
  await settle();
  const next = dial(agent.session, hub.session);
  agent.say("c");
  hub.say("d");
  await settle();
  expect([agent.session.link, hub.session.link]).toEqual([next.agentLink, next.hubLink]);
  expect([old.agentLink.closed, old.hubLink.closed]).toEqual([true, true]);
  agent.say("e");
  await settle();
  expect([hub.heard, agent.heard]).toEqual([
    ["a", "c", "e"],
    ["b", "d"],
  ]);
});

test("records that arrive late on a replaced carrier change nothing", async () => {
  const { side, farLink: oldFar, near: old } = lone();
  side.say("kept");
  await settle();
  const next = wire();
  side.session.adopt(next.agentLink, 0, 0);
  const late = [
    framesRecord("late"),
    encodeAck(1),
    encodeAck(99),
    encodeEnd(new FarsiteError("E_LIMIT", "x")),
  ];
  for (const record of late) oldFar.send(record);
  old.cut("late, too");
  await settle();
  expect([side.heard, side.ends, side.carriers]).toEqual([[], [], ["up", "up"]]);
  expect(side.session.link).toBe(next.agentLink);
  // the ACK on the old carrier was not taken for one: the record is still there to be replayed
  const third = wire();
  const replayed: Buffer[] = [];
  third.hubLink.attach({ record: (record) => void replayed.push(record), drain() {}, close() {} });
  side.session.adopt(third.agentLink, 0, 0);
  await settle();
  expect(replayed).toEqual([framesRecord("kept")]);
});

test("records sent again although they had arrived are dropped", async () => {
  const { side, farLink } = lone();
  for (const text of ["a", "b", "c"]) farLink.send(framesRecord(text));
  await settle();
  const next = wire();
  side.session.adopt(next.agentLink, 0, 1);
  for (const text of ["b", "c", "d"]) next.hubLink.send(framesRecord(text));
  await settle();
  expect(side.heard).toEqual(["a", "b", "c", "d"]);
  expect(side.session.received).toBe(4);
});

test("an acknowledgement of records that are still being replayed does not disturb their order", async () => {
  // the last of them fills the replay: what is new must wait until they are acknowledged and sent again
  const { agent, hub } = pair({ limits: { unsentBytes: 50, replayBytes: 311 } });
  const old = connect(agent.session, hub.session);
  // the hub gets all, but its acknowledgements do not come back, and its claim is older than what it got
  old.hub.tamper = () => undefined;
  const texts = [...Array.from({ length: 20 }, (_, i) => `number ${i}`), "x".repeat(200)];
  agent.say(...texts);
  await settle();
  expect(hub.session.received).toBe(21);
  old.cut();
  await settle();
  const next = wire();
  next.agent.stalled = true;
  agent.session.adopt(next.agentLink, 0, 0);
  hub.session.adopt(next.hubLink, 0, 0);
  await settle();
  agent.say("new");
  await settle();
  next.agent.resume();
  await settle();
  expect(hub.heard).toEqual([...texts, "new"]);
  expect(agent.ends).toEqual([]);
});

const falseClaims: [string, number, number][] = [
  ["more received than was ever sent", 4, 0],
  ["less received than was acknowledged", 1, 0],
  ["records from beyond what was received", 2, 3],
  ["records from a negative number", 2, -1],
  ["a negative count received", -1, 0],
  ["a count received that is no whole number", 2.5, 0],
  ["records from no whole number", 2, 0.5],
  ["a count received that is no number", Number.NaN, 0],
  ["records from no number", 2, Number.NaN],
  ["an endless count", Number.POSITIVE_INFINITY, 0],
];

for (const [what, peerReceived, from] of falseClaims) {
  test(`a carrier that claims ${what} is refused, and the one in service stays`, async () => {
    const { side, sent, farLink } = lone();
    side.say("a", "b", "c");
    for (const text of ["d", "e"]) farLink.send(framesRecord(text));
    farLink.send(encodeAck(2));
    await settle();
    const before = side.session.link;
    const refused = wire();
    expect(() => side.session.adopt(refused.agentLink, peerReceived, from)).toThrow(
      expect.objectContaining({ code: "E_PROTOCOL" }),
    );
    expect([side.session.link, side.ends]).toEqual([before, []]);
    side.say("f");
    await settle();
    expect(sent.at(-1)).toEqual(framesRecord("f", 2));
  });
}

test("a carrier that closed before it was adopted is noticed, and the session waits for the next", async () => {
  const { agent, hub } = pair();
  const dead = wire();
  dead.cut();
  await settle();
  agent.session.adopt(dead.agentLink, 0, 0);
  expect(agent.session.link).toBeUndefined();
  expect(agent.carriers).toEqual(["up", "E_CARRIER_LOST cut"]);
  agent.say("a");
  connect(agent.session, hub.session);
  await settle();
  expect(hub.heard).toEqual(["a"]);
});

test("a carrier given up on purpose leaves the session waiting for the next", async () => {
  const { agent, hub } = pair();
  connect(agent.session, hub.session);
  agent.session.dropCarrier(new FarsiteError("E_CARRIER_LOST", "renewed"));
  agent.say("a");
  await settle();
  expect(agent.carriers).toEqual(["up", "E_CARRIER_LOST renewed"]);
  expect(hub.carriers[1]).toMatch(/^E_CARRIER_LOST/);
  connect(agent.session, hub.session);
  await settle();
  expect(hub.heard).toEqual(["a"]);
});

test("a session may be ended by whoever hears of its new carrier", async () => {
  const end = new FarsiteError("E_KEY_REVOKED", "revoked");
  let revoked = false;
  const carrier = () => {
    if (revoked) side.session.end(end);
  };
  const { clock, side, farLink } = lone({ handlers: { carrier } });
  revoked = true;
  const next = wire();
  side.session.adopt(next.agentLink, 0, 0);
  await settle();
  expect(side.ends).toEqual([end]);
  expect([next.agentLink.closed, farLink.closed, clock.pending]).toEqual([true, true, 0]);
});

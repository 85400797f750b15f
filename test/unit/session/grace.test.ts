import { expect, test } from "vitest";
import { connect, pair, settle, wire } from "./rig.ts";

test("a session that gets no carrier within its grace period ends once, with E_SESSION_LOST", async () => {
  const { clock, agent, hub } = pair({ limits: { grace: 60_000 } });
  connect(agent.session, hub.session).cut();
  await settle();
  // nothing but the two grace periods is timed
  expect(clock.pending).toBe(2);
  clock.advance(59_999);
  expect(agent.ends).toEqual([]);
  clock.advance(1);
  expect(agent.ends.map((end) => [end.code, end.message])).toEqual([
    ["E_SESSION_LOST", "no new carrier within 60 s: cut"],
  ]);
  clock.advance(600_000);
  expect([agent.ends.length, hub.ends.length, clock.pending]).toEqual([1, 1, 0]);
});

test("a carrier in the last moment of the grace period saves the session, and the period starts anew", async () => {
  const { clock, agent, hub } = pair({ limits: { grace: 60_000, deadAfter: 1e9 } });
  for (let i = 0; i < 3; i++) {
    connect(agent.session, hub.session).cut();
    await settle();
    clock.advance(59_999);
  }
  const last = connect(agent.session, hub.session);
  clock.advance(600_000);
  expect([agent.ends, hub.ends]).toEqual([[], []]);
  last.cut();
  await settle();
  clock.advance(60_000);
  expect([agent.ends.length, hub.ends.length]).toEqual([1, 1]);
});

test("a session that is over refuses carriers with the reason of its end", async () => {
  const { clock, agent, hub } = pair();
  connect(agent.session, hub.session).cut();
  await settle();
  clock.advance(60_000);
  expect(() => agent.session.adopt(wire().agentLink, 0, 0)).toThrow(agent.session.ended);
  expect(agent.session.ended?.code).toBe("E_SESSION_LOST");
  expect(agent.carriers).toEqual(["up", "E_CARRIER_LOST cut"]);
});

test("a session that never had a carrier does not end by itself", () => {
  const { clock, agent } = pair();
  clock.advance(1e9);
  expect([agent.ends, clock.pending]).toEqual([[], 0]);
});

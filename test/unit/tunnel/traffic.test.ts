/** What is told of a site's carriers, and what went over them. */
import { expect, test } from "vitest";
import { FarsiteError } from "../../../common/errors.ts";
import { SECOND, settle, World } from "../handshake/rig.ts";

const CARRIER = { carrier: "memory", peer: "a" };

test("each carrier is told when it comes and when it goes, and why, once", async () => {
  const world = await World.open();
  const { id } = await world.site();
  const agent = await world.enrolled();
  const over = world.receive();
  await agent.connect(over);
  expect(world.carriers).toEqual([[id, "came", { ...CARRIER, resumed: false }]]);
  over.agentEnd.cut("the line went dead");
  await settle();
  world.clock.advance(61 * SECOND);
  // the session's end is not another one
  expect(world.carriers.slice(1)).toEqual([[id, "went", "the line went dead"]]);
  await agent.connect(world.receive());
  world.sites.cut(id, new FarsiteError("E_KEY_REVOKED", "this agent's key was revoked"));
  expect(world.carriers.slice(2)).toEqual([
    [id, "came", { ...CARRIER, resumed: false }],
    [id, "went", "this agent's key was revoked"],
  ]);
});

test("bytes of all carriers of a site are counted, also of those that are gone", async () => {
  const world = await World.open();
  const { id } = await world.site();
  expect(world.sites.traffic(id)).toBeUndefined();
  const agent = await world.enrolled();
  const over = world.receive();
  await agent.connect(over);
  agent.tunnel?.mux.sendControl(Buffer.from([0x80]));
  await settle();
  const first = world.sites.traffic(id) ?? { received: 0, sent: 0 };
  expect(first.received).toBeGreaterThan(0);
  over.agentEnd.cut("gone");
  await settle();
  world.clock.advance(61 * SECOND);
  const between = world.sites.traffic(id) ?? { received: 0, sent: 0 };
  expect(between.received).toBeGreaterThanOrEqual(first.received);
  expect(world.sites.rtt(id)).toBeUndefined();
  await agent.connect(world.receive());
  for (let beat = 0; beat < 20; beat++) {
    world.clock.advance(SECOND);
    await settle();
  }
  const last = world.sites.traffic(id) ?? { received: 0, sent: 0 };
  expect(last.received).toBeGreaterThan(between.received);
  expect(last.sent).toBeGreaterThan(between.sent);
  expect(world.sites.rtt(id)).toBeTypeOf("number");
  world.sites.forget(id);
});

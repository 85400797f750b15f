import { expect, test } from "vitest";
import { type Examined, examine } from "../../../agent/tunnel/handshake.ts";
import { FarsiteError } from "../../../common/errors.ts";
import { systemRandom } from "../../../common/random.ts";
import { records } from "../../../common/session/index.ts";
import { MOST_PROBES } from "../../../hub/tunnel/probing.ts";
import { type Agent, openStream, rejectionCode, settle, TIMEOUT, World } from "./rig.ts";

interface Look extends Examined {
  got: Buffer[];
  over: FarsiteError[];
}

async function look(world: World, agent: Agent): Promise<Look> {
  const visit = world.receive();
  const hubKey = world.identity.publicKey.bytes;
  const deps = {
    identity: agent.identity,
    hubKey,
    clock: agent.clock,
    random: systemRandom,
    timeout: TIMEOUT,
  };
  const found: Look = { ...(await examine(visit.agentEnd, deps)), got: [], over: [] };
  found.link.attach({
    record: (record) => void found.got.push(Buffer.from(record)),
    drain() {},
    close: (reason) => void found.over.push(reason),
  });
  return found;
}

const probe = (wanted: number, length = records.PROBE_HEADER) =>
  records.encodeProbe(records.PROBE, wanted, length);

test("an agent looks at the line beside its session, which goes on", async () => {
  const world = await World.open();
  const agent = await world.connected();
  const near = await openStream(world);
  const { accepted, probes, link, got } = await look(world, agent);
  expect([accepted.tenant, accepted.site, probes]).toEqual(["acme", "main", true]);
  link.send(probe(records.MAX_RECORD));
  link.send(probe(records.PROBE_HEADER, records.MAX_RECORD));
  await settle();
  expect(got.map((record) => [record[0], record.length, records.decodeProbe(record)])).toEqual([
    [records.PROBED, records.MAX_RECORD, records.PROBE_HEADER],
    [records.PROBED, records.PROBE_HEADER, records.MAX_RECORD],
  ]);
  near.stream.write(Buffer.from("still here"));
  await settle();
  expect(agent.accepted.map((tap) => tap.text)).toEqual(["still here"]);
  expect([agent.ends, agent.losses, world.guesses]).toEqual([[], [], []]);
});

test("a look ends with the agent's END, with its time, and with the next one", async () => {
  const world = await World.open();
  const agent = await world.enrolled();
  const [first, second, third] = [
    await look(world, agent),
    await look(world, agent),
    await look(world, agent),
  ];
  first.link.send(probe(5));
  await settle();
  second.link.send(probe(5));
  await settle();
  expect(first.over.map(({ message }) => message)).toEqual(["E_LIMIT"]);
  second.link.send(records.encodeEnd(new FarsiteError("E_CARRIER_LOST", "seen enough")));
  await settle();
  expect(second.over).toHaveLength(1);
  third.link.send(probe(5));
  await settle();
  world.clock.advance(TIMEOUT);
  await settle();
  expect(third.over).toHaveLength(1);
});

test("an agent that has seen enough after the handshake leaves, and is not taken for a refused one", async () => {
  const world = await World.open();
  const { link, over } = await look(world, await world.enrolled());
  link.send(records.encodeEnd(new FarsiteError("E_CARRIER_LOST", "seen enough")));
  await settle();
  expect([over.length, world.refusals]).toEqual([1, []]);
});

test.each([
  ["too many probes", () => Array.from({ length: MOST_PROBES + 1 }, () => probe(5)), MOST_PROBES],
  ["a longer answer than a record", () => [probe(records.MAX_RECORD + 1)], 0],
  ["a shorter answer than its header", () => [probe(4)], 0],
  ["no length at all", () => [Buffer.from([records.PROBE, 0])], 0],
  ["a session after all", () => [probe(5), Buffer.from([records.ATTACH])], 1],
])("what the hub does not answer ends the carrier: %s", async (_, make, answered) => {
  const world = await World.open();
  const { link, got, over } = await look(world, await world.enrolled());
  for (const record of make()) link.send(record);
  await settle();
  expect(got.filter((record) => record[0] === records.PROBED)).toHaveLength(answered);
  expect(over).toHaveLength(1);
});

test("a key that the hub does not know is told so, and gets no answer to probes", async () => {
  const world = await World.open();
  const agent = await world.enrolled();
  await world.registry.revoke("test", "acme", "main");
  expect(await rejectionCode(look(world, agent))).toBe("E_KEY_REVOKED");
});

import { expect, test } from "vitest";
import { preamble } from "../../../common/handshake/index.ts";
import { systemRandom } from "../../../common/random.ts";
import { Agent, listen, openStream, record, settle, until, World } from "./rig.ts";

test("a recorded session, played again, changes nothing and disturbs nobody", async () => {
  const world = await World.open();
  const agent = await world.enrolled();
  const over = world.receive();
  const messages = record(over.agentEnd);
  await agent.connect(over);
  const stream = await openStream(world);
  const site = await world.site();
  const before = [await world.dump(), world.sites.state(site.id)];
  world.clock.advance(1);

  const silent = world.receive();
  const heard = listen(silent);
  silent.agentEnd.send(messages[0] as Buffer);
  await until(() => heard.messages.length === 1);
  expect(preamble.decodeSecond(heard.messages[0] as Buffer).length).toBeGreaterThan(0);
  expect([await world.dump(), world.sites.state(site.id)]).toEqual(before);

  const eager = world.receive();
  const answers = listen(eager);
  eager.agentEnd.send(messages[0] as Buffer);
  await until(() => answers.messages.length === 1);
  eager.agentEnd.send(messages[1] as Buffer);
  await eager.welcomed;
  expect(answers.messages).toHaveLength(1);
  expect([await world.dump(), world.sites.state(site.id)]).toEqual(before);

  stream.stream.write(Buffer.from("undisturbed"));
  await settle();
  expect(agent.accepted[0]?.text).toBe("undisturbed");
  expect([agent.losses, agent.ends]).toEqual([[], []]);
});

test("a recorded enrolment, played before the agent finished it, neither uses the token nor cuts anybody", async () => {
  const world = await World.open();
  const present = await world.connected();
  const token = await world.token();
  const agent = new Agent(world);
  const over = world.receive();
  const messages = record(over.agentEnd);
  over.hubEnd.stalled = true;
  const enrolling = agent.enrol(token, over);
  await until(() => over.hubEnd.unsent > 0);
  const before = await world.dump();

  const replay = world.receive();
  const heard = listen(replay);
  replay.agentEnd.send(messages[0] as Buffer);
  await until(() => heard.messages.length === 1);
  replay.agentEnd.send(Buffer.from([7, ...systemRandom.bytes(16)]));
  await replay.welcomed;
  expect(await world.dump()).toBe(before);
  expect([present.losses, present.ends]).toEqual([[], []]);

  over.hubEnd.resume();
  await enrolling;
  expect((await world.site()).key).toBe(agent.identity.publicKey.bytes.toString("hex"));
});

test("a recorded enrolment, played whole after it succeeded, cuts nobody", async () => {
  const world = await World.open();
  const token = await world.token();
  const agent = new Agent(world);
  const over = world.receive();
  const messages = record(over.agentEnd);
  await agent.enrol(token, over);
  await agent.connect();
  const before = await world.dump();
  const replay = world.receive();
  const heard = listen(replay);
  replay.agentEnd.send(messages[0] as Buffer);
  await until(() => heard.messages.length === 1);
  replay.agentEnd.send(messages[1] as Buffer);
  await replay.welcomed;
  expect(await world.dump()).toBe(before);
  expect([agent.losses, agent.ends]).toEqual([[], []]);
});

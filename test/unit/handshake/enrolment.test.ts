import { expect, test } from "vitest";
import { KeyPair } from "../../../common/noise/index.ts";
import { systemRandom } from "../../../common/random.ts";
import {
  Agent,
  alter,
  HOUR,
  MINUTE,
  openStream,
  rejection,
  rejectionCode,
  settle,
  until,
  World,
} from "./rig.ts";

test("an agent enrols with a token and then gets a session with the same key", async () => {
  const world = await World.open();
  const agent = new Agent(world);
  const enrolled = await agent.enrol(await world.token());
  expect(enrolled).toMatchObject({ tenant: "acme", site: "main", clockSkew: 0 });
  expect(await agent.connect()).toMatchObject({ tenant: "acme", site: "main" });
  const stream = await openStream(world);
  stream.stream.write(Buffer.from("GET hosts\n"));
  await settle();
  expect(agent.accepted[0]?.text).toBe("GET hosts\n");
  expect((await world.site()).key).toBe(agent.identity.publicKey.bytes.toString("hex"));
});

test("an agent that is not enrolled gets no session", async () => {
  const world = await World.open();
  expect(await rejectionCode(new Agent(world).connect())).toBe("E_KEY_UNKNOWN");
  expect(world.sites.state((await world.site()).id).state).toBe("disconnected");
});

test("a token that another agent used is refused, and the first keeps its session", async () => {
  const world = await World.open();
  const token = await world.token();
  const first = new Agent(world);
  await first.enrol(token);
  await first.connect();
  const second = new Agent(world);
  expect(await rejectionCode(second.enrol(token))).toBe("E_TOKEN_USED");
  expect(await rejectionCode(second.connect())).toBe("E_KEY_UNKNOWN");
  expect([first.ends, first.losses]).toEqual([[], []]);
});

test("a token is good until the last millisecond before it expires, and not after", async () => {
  const world = await World.open();
  const early = await world.token("acme", HOUR);
  const late = await world.token("globex", HOUR);
  world.clock.advance(HOUR - 1);
  await new Agent(world).enrol(early);
  world.clock.advance(1);
  const refused = await rejection(new Agent(world).enrol(late));
  expect(refused).toMatchObject({
    code: "E_TOKEN_EXPIRED",
    message: expect.stringContaining("2026-01-01T01:00:00.000Z"),
  });
});

test("a revoked token and one that a newer replaced are refused; the newer one works", async () => {
  const world = await World.open();
  const replaced = await world.token();
  const revoked = await world.token();
  expect(await rejectionCode(new Agent(world).enrol(replaced))).toBe("E_TOKEN_REVOKED");
  await world.registry.revoke("test", "acme", "main");
  expect(await rejectionCode(new Agent(world).enrol(revoked))).toBe("E_TOKEN_REVOKED");
  await new Agent(world).enrol(await world.token());
});

test("an unknown token and a known one with a wrong secret are refused alike, and count as guesses", async () => {
  const world = await World.open();
  const token = await world.token();
  const before = await world.dump();
  const unknown = await rejection(new Agent(world).enrol({ ...token, id: systemRandom.bytes(8) }));
  const wrong = await rejection(new Agent(world).enrol({ ...token, secret: systemRandom.bytes(32) }));
  expect(unknown.code).toBe("E_TOKEN_UNKNOWN");
  expect([wrong.code, wrong.message]).toEqual([unknown.code, unknown.message]);
  expect(world.guesses).toHaveLength(2);
  expect(await world.dump()).toBe(before);
});

test("a token cannot be used for a site that is disabled, and can after it was enabled", async () => {
  const world = await World.open();
  const token = await world.token();
  await world.registry.setEnabled("test", "acme", "main", false);
  expect(await rejectionCode(new Agent(world).enrol(token))).toBe("E_SITE_DISABLED");
  await world.registry.setEnabled("test", "acme", "main", true);
  await new Agent(world).enrol(token);
});

test("a token of another hub does not enrol here, and stays unused", async () => {
  const world = await World.open();
  const other = KeyPair.identity(systemRandom).publicKey.bytes;
  const token = await world.token();
  const before = await world.dump();
  expect(await rejectionCode(new Agent(world).enrol({ ...token, hubKey: other }))).toBe("E_HUB_KEY");
  expect(await world.dump()).toBe(before);
});

test("a second enrolment of a site ends the first agent's session and key", async () => {
  const world = await World.open();
  const first = await world.connected();
  const second = new Agent(world);
  await second.enrol(await world.token());
  expect(first.ends.map((end) => end.code)).toEqual(["E_KEY_REVOKED"]);
  expect(await rejectionCode(first.connect())).toBe("E_KEY_REVOKED");
  await second.connect();
  expect((await world.site()).key).toBe(second.identity.publicKey.bytes.toString("hex"));
});

test("an agent whose enrolment was answered in vain enrols again with the same key and token", async () => {
  const world = await World.open();
  const agent = new Agent(world);
  const token = await world.token();
  const lost = world.receive();
  alter(lost.hubEnd, 1, () => undefined);
  const first = rejectionCode(agent.enrol(token, lost));
  await lost.welcomed;
  world.clock.advance(10_000);
  expect(["E_HANDSHAKE_TIMEOUT", "E_CARRIER_LOST"]).toContain(await first);
  const used = await world.dump();
  world.clock.advance(2 * HOUR);
  await agent.enrol(token);
  await agent.connect();
  const [{ hub_key: _, ...before }] = JSON.parse(used).agent_key;
  const hub_key = world.identity.publicKey.bytes.toString("hex");
  expect(JSON.parse(await world.dump()).agent_key).toEqual([{ ...before, hub_key }]);
});

test("a key that was replaced cannot enrol again with its old token, nor cut its successor", async () => {
  const world = await World.open();
  const first = new Agent(world);
  const old = await world.token();
  await first.enrol(old);
  const second = await world.connected();
  expect(await rejectionCode(first.enrol(old))).toBe("E_KEY_REVOKED");
  expect([second.ends, second.losses]).toEqual([[], []]);
});

test("a revoked key cannot enrol again with its old token", async () => {
  const world = await World.open();
  const agent = new Agent(world);
  const token = await world.token();
  await agent.enrol(token);
  await world.registry.revoke("test", "acme", "main");
  expect(await rejectionCode(agent.enrol(token))).toBe("E_KEY_REVOKED");
});

test("a key that is enrolled already cannot take a second site", async () => {
  const world = await World.open();
  const agent = await world.enrolled("acme");
  const token = await world.token("globex");
  expect(await rejectionCode(agent.enrol(token))).toBe("E_EXISTS");
  expect((await world.site("globex")).key).toBeUndefined();
  await new Agent(world).enrol(token);
});

test("of agents that enrol with one token at the same time exactly one succeeds", async () => {
  const world = await World.open();
  const token = await world.token();
  const agents = Array.from({ length: 8 }, () => new Agent(world));
  const outcomes = await Promise.all(
    agents.map((agent) =>
      agent.enrol(token).then(
        () => "enrolled",
        (error) => error.code,
      ),
    ),
  );
  expect(outcomes.toSorted()).toEqual([...Array(7).fill("E_TOKEN_USED"), "enrolled"]);
  const winner = agents[outcomes.indexOf("enrolled")] as Agent;
  await winner.connect();
});

test("the agent keeps its key before the hub uses the token up", async () => {
  const world = await World.open();
  const token = await world.token();
  const order: string[] = [];
  const redeem = world.enrolment.redeem.bind(world.enrolment);
  world.enrolment.redeem = (...args) => {
    order.push("redeem");
    return redeem(...args);
  };
  const over = world.receive();
  alter(over.agentEnd, 1, (message) => {
    order.push("ENROL");
    return message;
  });
  await new Agent(world).enrol(token, over, () => void order.push("keep"));
  expect(order).toEqual(["keep", "ENROL", "redeem"]);
});

test("an agent whose token is refused does not give up the key it has for the new one", async () => {
  const world = await World.open();
  const used = await world.token();
  await new Agent(world).enrol(used);
  const expired = await world.token("globex", 0);
  for (const token of [used, expired, { ...used, secret: systemRandom.bytes(32) }]) {
    const keep = () => expect.unreachable("it was told to keep its key");
    expect(await rejectionCode(new Agent(world).enrol(token, world.receive(), keep))).toMatch(/^E_TOKEN_/);
  }
});

test("an agent that cannot keep its key does not use the token up", async () => {
  const world = await World.open();
  const token = await world.token();
  const before = await world.dump();
  const over = world.receive();
  const full = () => {
    throw new Error("no space left on device");
  };
  expect(await rejection(new Agent(world).enrol(token, over, full)).catch(String)).toContain("no space left");
  await over.welcomed;
  expect(await world.dump()).toBe(before);
});

test.each([
  ["ahead", 15 * MINUTE],
  ["behind", -15 * MINUTE],
])("a clock that is 15 minutes %s may enrol", async (_, skew) => {
  const world = await World.open();
  expect(await new Agent(world, skew).enrol(await world.token())).toMatchObject({ clockSkew: skew });
});

test.each([
  ["ahead of", 15 * MINUTE + 1, "15 minutes ahead of"],
  ["behind", -15 * MINUTE - 1, "15 minutes behind"],
  ["a day ahead of", 24 * HOUR, "24 hours ahead of"],
  ["a day behind", -24 * HOUR, "24 hours behind"],
])("a clock too far %s the hub's may not enrol, and the token stays unused", async (_, skew, words) => {
  const world = await World.open();
  const token = await world.token();
  const before = await world.dump();
  const over = world.receive();
  const refused = await rejection(new Agent(world, skew).enrol(token, over));
  expect(refused.code).toBe("E_CLOCK");
  expect(refused.message).toContain(words);
  await over.welcomed;
  expect(await world.dump()).toBe(before);
  await new Agent(world).enrol(token);
});

test("an enrolment leaves no carrier and no timer behind, also when the agent does not hang up", async () => {
  const world = await World.open();
  const over = world.receive();
  // an agent that never closes: its own end is cut off from what `close` does
  over.agentEnd.close = () => {};
  await new Agent(world).enrol(await world.token(), over);
  await until(() => over.hubEnd.closed);
  expect(world.clock.pending).toBe(0);
});

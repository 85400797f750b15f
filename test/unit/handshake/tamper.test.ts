import { expect, test } from "vitest";
import { preamble } from "../../../common/handshake/index.ts";
import { flipped } from "../noise/parties.ts";
import { Agent, alter, rejectionCode, World } from "./rig.ts";

test("message 1, with one bit changed anywhere, ends in a clear code and opens no session", async () => {
  const world = await World.open();
  const agent = await world.enrolled();
  const codes = new Map<string, number>();
  for (let bit = 0, length = Number.MAX_SAFE_INTEGER; bit < length; bit += bit < 24 ? 1 : 11) {
    const over = world.receive();
    alter(over.agentEnd, 0, (message) => {
      length = message.length * 8;
      return flipped(message, bit);
    });
    const code = await rejectionCode(agent.connect(over));
    codes.set(code, (codes.get(code) ?? 0) + 1);
    await over.welcomed;
    if (bit >= 24) expect(code).toBe("E_HUB_KEY");
  }
  expect([...codes.keys()].toSorted()).toEqual(["E_HANDSHAKE", "E_HUB_KEY", "E_VERSION"]);
  expect([codes.get("E_HANDSHAKE"), codes.get("E_VERSION")]).toEqual([16, 8]);
  expect(world.sites.connected()).toEqual([]);
});

test("message 2, with one bit changed anywhere, ends in a clear code and opens no session", async () => {
  const world = await World.open();
  const agent = await world.enrolled();
  const codes = new Set<string>();
  for (let bit = 0, length = Number.MAX_SAFE_INTEGER; bit < length; bit += bit < 24 ? 1 : 11) {
    const over = world.receive();
    alter(over.hubEnd, 0, (message) => {
      length = message.length * 8;
      return flipped(message, bit);
    });
    const code = await rejectionCode(agent.connect(over));
    codes.add(code);
    await over.welcomed;
    if (bit >= 24) expect(code).toBe("E_HUB_KEY");
  }
  expect([...codes].toSorted()).toEqual(["E_HANDSHAKE", "E_HUB_KEY", "E_VERSION"]);
  expect(world.sites.connected()).toEqual([]);
});

test("ATTACH, with one bit changed anywhere, opens no session", async () => {
  const world = await World.open();
  const agent = await world.enrolled();
  for (let bit = 0, length = Number.MAX_SAFE_INTEGER; bit < length; bit += 7) {
    const over = world.receive();
    alter(over.agentEnd, 1, (message) => {
      length = message.length * 8;
      return flipped(message, bit);
    });
    expect(await rejectionCode(agent.connect(over))).toBe("E_CARRIER_TAMPERED");
    await over.welcomed;
  }
  expect(new Set(world.refusals)).toEqual(new Set(["E_CARRIER_TAMPERED"]));
  expect(world.sites.connected()).toEqual([]);
});

test("ATTACHED, with one bit changed, is refused by the agent", async () => {
  const world = await World.open();
  const agent = await world.enrolled();
  const over = world.receive();
  alter(over.hubEnd, 1, (message) => flipped(message, 9));
  expect(await rejectionCode(agent.connect(over))).toBe("E_CARRIER_TAMPERED");
  expect(agent.tunnel).toBeUndefined();
});

test("ENROL, with one bit changed, does not use the token", async () => {
  const world = await World.open();
  const token = await world.token();
  const before = await world.dump();
  const over = world.receive();
  alter(over.agentEnd, 1, (message) => flipped(message, 3));
  expect(await rejectionCode(new Agent(world).enrol(token, over))).toBe("E_CARRIER_TAMPERED");
  await over.welcomed;
  expect(await world.dump()).toBe(before);
});

test("a first message changed from a session to an enrolment cannot be read", async () => {
  const world = await World.open();
  const agent = await world.enrolled();
  const over = world.receive();
  alter(over.agentEnd, 0, (message) => {
    message[2] = preamble.ENROLMENT;
    return message;
  });
  expect(await rejectionCode(agent.connect(over))).toBe("E_HUB_KEY");
});

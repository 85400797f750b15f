import { expect, test } from "vitest";
import { FarsiteError } from "../../../common/errors.ts";
import { hubHello, preamble, throwIfRefused } from "../../../common/handshake/index.ts";
import { Agent, alter, rejection, World } from "./rig.ts";

test("an agent of another protocol version is told so by the hub, before any key counts", async () => {
  const world = await World.open();
  const over = world.receive();
  alter(over.agentEnd, 0, (message) => {
    message[1] = 2;
    return message;
  });
  const refused = await rejection(new Agent(world).connect(over));
  expect(refused).toMatchObject({
    code: "E_VERSION",
    message: "the agent speaks protocol version 2, this hub version 1",
  });
  await over.welcomed;
  expect([world.refusals, world.guesses]).toEqual([["E_VERSION"], []]);
});

test("a hub of another protocol version is named by the agent, with what to do", async () => {
  const world = await World.open();
  const agent = await world.enrolled();
  const over = world.receive();
  alter(over.hubEnd, 0, (message) => {
    message[1] = 7;
    return message;
  });
  const refused = await rejection(agent.connect(over));
  expect(refused).toMatchObject({
    code: "E_VERSION",
    message: "the hub speaks protocol version 7, this agent version 1",
    hint: expect.stringContaining("share a protocol version"),
  });
});

test("the refusal of a hub of another version is understood as one of version", async () => {
  const world = await World.open();
  const over = world.receive();
  alter(over.hubEnd, 0, () => Buffer.from("\x46\x02\x01E_VERSION the agent speaks version 1", "latin1"));
  expect(await rejection(new Agent(world).connect(over))).toMatchObject({ code: "E_VERSION" });
});

test("the two first messages and the prologue are laid out as the protocol says", () => {
  expect(preamble.encodeFirst(preamble.SESSION, Buffer.from("n"))).toEqual(Buffer.from("\x46\x01\x01n"));
  expect(preamble.encodeFirst(preamble.ENROLMENT, Buffer.from("n"))).toEqual(Buffer.from("\x46\x01\x02n"));
  expect(preamble.encodeAccepted(Buffer.from("n"))).toEqual(Buffer.from("\x46\x01\x00n"));
  expect(preamble.encodeRefused(new FarsiteError("E_HUB_BUSY", "too many"))).toEqual(
    Buffer.from("\x46\x01\x01E_HUB_BUSY too many"),
  );
  expect(preamble.prologue(preamble.SESSION)).toEqual(Buffer.from("farsite\x46\x01\x01"));
  expect(preamble.prologue(preamble.ENROLMENT)).toEqual(Buffer.from("farsite\x46\x01\x02"));
});

test("a refusal with a code that is not known here is still a refusal", () => {
  expect(() => preamble.decodeSecond(Buffer.from("\x46\x01\x01E_NEWER not now"))).toThrow(
    expect.objectContaining({ code: "E_HANDSHAKE", message: "not now" }),
  );
  expect(() => preamble.decodeSecond(Buffer.from("\x46\x01\x01"))).toThrow(
    expect.objectContaining({ code: "E_HANDSHAKE", message: "the hub refused" }),
  );
});

test("nor does it have to be known when it comes encrypted", () => {
  const hello = hubHello.parse({ hub: "9.0.0", time: 0, refused: { code: "E_NEWER", message: "not now" } });
  expect(() => throwIfRefused(hello)).toThrow(
    expect.objectContaining({ code: "E_HANDSHAKE", message: "the hub refused: not now [E_NEWER]" }),
  );
});

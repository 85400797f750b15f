import { expect, test } from "vitest";
import { FarsiteError } from "../../../common/errors.ts";
import { MAX_CONTROL } from "../../../common/mux/frame.ts";
import { control, data, Lone, muxPair, open, settle } from "./rig.ts";

test("control messages arrive once and in order, both ways", async () => {
  const { agent, hub } = muxPair();
  agent.mux.sendControl(Buffer.from("a1"));
  hub.mux.sendControl(Buffer.from("h1"));
  agent.mux.sendControl(Buffer.from("a2"));
  await settle();
  expect([hub.controls, agent.controls]).toEqual([["a1", "a2"], ["h1"]]);
});

test("an empty control message and the largest one arrive", async () => {
  const { agent, hub } = muxPair();
  agent.mux.sendControl(Buffer.alloc(0));
  agent.mux.sendControl(Buffer.alloc(MAX_CONTROL, "x"));
  await settle();
  expect(hub.controls.map((text) => text.length)).toEqual([0, MAX_CONTROL]);
});

test("a control message that the other side would refuse is not sent", () => {
  const hub = new Lone();
  expect(() => hub.mux.sendControl(Buffer.alloc(MAX_CONTROL + 1))).toThrow(
    expect.objectContaining({ code: "E_INTERNAL" }),
  );
  hub.mux.sendControl(Buffer.from("small"));
  expect(hub.flush()).toEqual([["CONTROL 0 +5"]]);
});

test("many large control messages cross in several records, in order", async () => {
  const { agent, hub } = muxPair();
  const bodies = Array.from({ length: 30 }, (_, i) => `${i} ${"x".repeat(MAX_CONTROL - 10 - i)}`);
  for (const body of bodies) agent.mux.sendControl(Buffer.from(body));
  await settle();
  expect(hub.controls).toEqual(bodies);
});

test("a control message that whoever is above refuses ends the session with that reason", async () => {
  const refusal = new FarsiteError("E_PROTOCOL", "a control message of an unknown kind");
  const { agent, hub } = muxPair({
    hub: {
      control() {
        throw refusal;
      },
    },
  });
  agent.mux.sendControl(Buffer.from("?"));
  await settle();
  expect(hub.ends).toEqual([refusal]);
  expect(agent.ends.map((end) => [end.code, end.message])).toEqual([[refusal.code, refusal.message]]);
});

test("a stream's OPEN is never overtaken by its data, however much waits in front of it", () => {
  for (let messages = 0; messages <= 8; messages++) {
    for (const size of [MAX_CONTROL, MAX_CONTROL - 30, 10_900]) {
      const hub = new Lone();
      for (let i = 0; i < messages; i++) hub.mux.sendControl(Buffer.alloc(size));
      hub.open().stream.write(Buffer.from("first bytes"));
      const frames = hub.flush().flat();
      expect(frames.slice(-2), `${messages} messages of ${size} bytes`).toEqual(["OPEN 2 +11", "DATA 2 +11"]);
    }
  }
});

test("opening more streams than a record has room for keeps each stream's OPEN before its data", async () => {
  const { agent, hub } = muxPair({ agent: { maxStreams: 5_000 }, hub: { maxStreams: 5_000 } });
  const name = "a".repeat(32);
  for (let i = 0; i < 4_000; i++) {
    const near = hub.open(name);
    near.stream.write(Buffer.from(`${i}`));
    near.stream.end();
  }
  await settle();
  expect([agent.ends, hub.ends]).toEqual([[], []]);
  expect(agent.accepted.map((tap) => tap.text)).toEqual(Array.from({ length: 4_000 }, (_, i) => `${i}`));
});

test("control handlers see the bytes of their own message only", () => {
  const hub = new Lone();
  hub.feed(control("one"), open(1), data(1, "x"), control("two"));
  expect(hub.controls).toEqual(["one", "two"]);
});

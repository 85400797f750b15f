import { expect, test } from "vitest";
import { INTERACTIVE } from "../../../common/mux/frame.ts";
import { data, Lone, muxPair, open, settle } from "./rig.ts";

test("the stream beyond the limit is reset with limit, and the others go on", async () => {
  const { agent, hub } = muxPair({ agent: { maxStreams: 3 } });
  const opened = Array.from({ length: 5 }, () => hub.open());
  for (const tap of opened) tap.stream.write(Buffer.from("hello"));
  await settle();
  expect(opened.map((tap) => tap.resetBy)).toEqual([undefined, undefined, undefined, "limit", "limit"]);
  expect(agent.accepted.map((tap) => tap.text)).toEqual(["hello", "hello", "hello"]);
  expect([agent.mux.streams, hub.mux.streams, agent.ends, hub.ends]).toEqual([3, 3, [], []]);
});

test("a place is free again as soon as a stream is gone", async () => {
  const { agent, hub } = muxPair({ agent: { maxStreams: 1 }, hub: { maxStreams: 1 } });
  for (let i = 0; i < 50; i++) {
    const near = hub.open();
    expect(hub.mux.open("second", INTERACTIVE)).toBeUndefined();
    await settle();
    const far = agent.accepted.at(-1)!;
    if (i % 3 === 0) near.stream.reset("cancelled");
    else if (i % 3 === 1) far.stream.reset("cancelled");
    else {
      near.stream.end();
      far.stream.end();
    }
    await settle();
    expect([agent.mux.streams, hub.mux.streams, near.resetBy === "limit"]).toEqual([0, 0, false]);
  }
});

test("a stream opened in the turn in which another went is not refused for it", async () => {
  const { agent, hub } = muxPair({ agent: { maxStreams: 1 }, hub: { maxStreams: 1 } });
  const first = hub.open();
  first.stream.write(Buffer.from("x"));
  await settle();
  first.stream.reset("cancelled");
  const second = hub.open();
  await settle();
  expect([second.resetBy, agent.accepted.length]).toEqual([undefined, 2]);
});

test("both sides' streams count against the limit", () => {
  const hub = new Lone({ maxStreams: 2 });
  hub.open();
  hub.feed(open(1));
  expect(hub.mux.open("third", INTERACTIVE)).toBeUndefined();
  hub.flush();
  hub.feed(open(3), data(3, "x"));
  expect([hub.flush(), hub.accepted.length]).toEqual([[["RESET 3 5"]], 1]);
});

test("a peer that opens without end and never takes the refusals ends its session with E_LIMIT", () => {
  const hub = new Lone({ maxStreams: 10 });
  let opened = 0;
  while (hub.ends.length === 0 && opened < 100_000) hub.feed(open(2 * opened++ + 1));
  expect(hub.ends.map((end) => end.code)).toEqual(["E_LIMIT"]);
  expect(opened).toBeLessThan(20_000);
  expect([hub.mux.streams, hub.accepted.length]).toEqual([0, 10]);
});

test("the same over a session: it ends once on both sides, and nothing is left behind", async () => {
  const { clock, agent, hub, over } = muxPair({
    hub: { maxStreams: 1 },
    agent: { maxStreams: 100_000 },
    limits: { unsentBytes: 10_000 },
  });
  over.hub.stalled = true;
  for (let i = 0; i < 20_000; i += 1_000) {
    for (let n = 0; n < 1_000; n++) agent.open();
    await settle();
  }
  expect(hub.ends.map((end) => end.code)).toEqual(["E_LIMIT"]);
  expect(hub.mux.streams).toBe(0);
  expect(agent.ends).toEqual([]);
  // the stall kept even the END back: the agent only sees the carrier close
  expect(agent.session.link).toBeUndefined();
  clock.advance(60_000);
  expect([agent.ends.length, agent.mux.streams, clock.pending]).toEqual([1, 0, 0]);
});

test("own streams opened and cancelled while nothing leaves never end the session", async () => {
  const { agent, hub, over } = muxPair();
  over.hub.stalled = true;
  let refused = 0;
  for (let i = 0; i < 50_000; i++) {
    const stream = hub.mux.open("livestatus", INTERACTIVE);
    if (!stream) refused++;
    stream?.reset("cancelled");
    if (i % 1_000 === 0) await settle();
  }
  expect(refused).toBeGreaterThan(0);
  over.hub.resume();
  await settle();
  expect([agent.ends, hub.ends, agent.mux.streams, hub.mux.streams]).toEqual([[], [], 0, 0]);
  const near = hub.open();
  await settle();
  expect([near.resetBy, agent.accepted.at(-1)?.resetBy]).toEqual([undefined, undefined]);
});

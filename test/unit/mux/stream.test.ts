import { expect, test } from "vitest";
import { FarsiteError } from "../../../common/errors.ts";
import { BULK, INTERACTIVE, RESET_CODES, type ResetReason } from "../../../common/mux/frame.ts";
import { fin, Lone, muxPair, open, reset, settle, stream } from "./rig.ts";

test("a stream opens and carries its first bytes in one record", () => {
  const hub = new Lone();
  hub.open().stream.write(Buffer.from("GET hosts\n"));
  expect(hub.flush()).toEqual([["OPEN 2 +11", "DATA 2 +10"]]);
});

test("OPEN carries the priority and the service's name", () => {
  const agent = new Lone({ side: "agent" });
  agent.mux.open("notify", BULK);
  expect(agent.next()[0]?.body).toEqual(Buffer.from("\x02notify"));
});

test("open, write and end in one turn make one record, and the whole request with its end arrives", async () => {
  const { agent, hub } = muxPair();
  const near = hub.open();
  near.stream.write(Buffer.from("GET "));
  near.stream.write(Buffer.from("hosts\n"));
  near.stream.end();
  await settle();
  const [far] = agent.accepted;
  expect([far?.stream.service, far?.text, far?.ended]).toEqual(["livestatus", "GET hosts\n", true]);
  expect(agent.session.received).toBe(1);
});

test("both sides open streams, the agent odd ones and the hub even ones", async () => {
  const { agent, hub } = muxPair();
  const ids = [agent, hub].map((side) => [1, 2, 3].map(() => side.mux.open("echo", INTERACTIVE)?.id));
  expect(ids).toEqual([
    [1, 3, 5],
    [2, 4, 6],
  ]);
  await settle();
  expect(hub.accepted.map((tap) => tap.stream.id)).toEqual([1, 3, 5]);
  expect(agent.accepted.map((tap) => tap.stream.id)).toEqual([2, 4, 6]);
});

for (const first of ["near", "far"] as const) {
  test(`after the ${first} side's half-close the other side still writes, and both see a clean end`, async () => {
    const pair = muxPair();
    const ends = await stream(pair);
    const [one, other] = first === "near" ? [ends.near, ends.far] : [ends.far, ends.near];
    one.stream.write(Buffer.from("all I say"));
    one.stream.end();
    await settle();
    expect([other.text, other.ended, one.ended]).toEqual(["all I say", true, false]);
    expect([pair.agent.mux.streams, pair.hub.mux.streams]).toEqual([1, 1]);
    other.stream.write(Buffer.from("the answer, "));
    await settle();
    other.stream.write(Buffer.from("in parts"));
    other.stream.end();
    await settle();
    expect([one.text, one.ended]).toEqual(["the answer, in parts", true]);
    expect([one.resetBy, other.resetBy]).toEqual([undefined, undefined]);
    expect([pair.agent.mux.streams, pair.hub.mux.streams]).toEqual([0, 0]);
  });
}

test("ends that cross each other end the stream cleanly on both sides", async () => {
  const pair = muxPair();
  const { near, far } = await stream(pair);
  near.stream.end();
  far.stream.end();
  await settle();
  expect([near.ended, far.ended, near.resetBy, far.resetBy]).toEqual([true, true, undefined, undefined]);
  expect([pair.agent.mux.streams, pair.hub.mux.streams]).toEqual([0, 0]);
});

test("the last bytes and the end travel in one frame; an end alone is an empty DATA", () => {
  const hub = new Lone();
  const tap = hub.open();
  tap.stream.write(Buffer.from("abc"));
  tap.stream.end();
  hub.feed(fin(2));
  expect(hub.flush()).toEqual([["OPEN 2 +11", "DATA 2 +3 fin"]]);
  const second = hub.open();
  hub.flush();
  second.stream.end();
  second.stream.end();
  expect(hub.flush()).toEqual([["DATA 4 +0 fin"]]);
});

test("nothing is written after an end, and an empty write sends nothing", () => {
  const hub = new Lone();
  const tap = hub.open();
  hub.flush();
  expect(tap.stream.write(Buffer.alloc(0))).toBe(true);
  expect(hub.flush()).toEqual([]);
  tap.stream.end();
  tap.stream.write(Buffer.from("too late"));
  expect(hub.flush()).toEqual([["DATA 2 +0 fin"]]);
});

test("an empty DATA is no data, and with FIN it is the end", () => {
  const hub = new Lone();
  hub.feed(open(1), fin(1).fill(0, 1, 2), fin(1).fill(0, 1, 2));
  const [tap] = hub.accepted;
  expect([tap?.chunks, tap?.ended]).toEqual([[], false]);
  hub.feed(fin(1));
  expect([tap?.chunks, tap?.ended]).toEqual([[], true]);
});

for (const reason of Object.keys(RESET_CODES) as ResetReason[]) {
  test(`a reset for ${reason} reaches the other side with its reason`, async () => {
    const pair = muxPair();
    const { near, far } = await stream(pair);
    near.stream.reset(reason);
    await settle();
    expect([far.resetBy, far.ended, near.resetBy]).toEqual([reason, false, undefined]);
    expect([pair.agent.mux.streams, pair.hub.mux.streams]).toEqual([0, 0]);
  });
}

test("a reset by whoever accepted the stream reaches whoever opened it", async () => {
  const { agent, hub } = muxPair({ agent: { accept: (tap) => tap.stream.reset("serviceUnknown") } });
  const near = hub.open("nothing-there");
  near.stream.write(Buffer.from("sent with the OPEN, and ignored"));
  await settle();
  expect([near.resetBy, agent.mux.streams, hub.mux.streams]).toEqual(["serviceUnknown", 0, 0]);
  expect([agent.ends, hub.ends]).toEqual([[], []]);
});

test("resets that cross each other harm nobody", async () => {
  const pair = muxPair();
  const { near, far } = await stream(pair);
  near.stream.reset("cancelled");
  far.stream.reset("internal");
  await settle();
  expect([near.resetBy, far.resetBy]).toEqual([undefined, undefined]);
  expect([pair.agent.ends, pair.hub.ends]).toEqual([[], []]);
  expect([pair.agent.mux.streams, pair.hub.mux.streams]).toEqual([0, 0]);
});

test("a reason that only a newer peer knows counts as internal", () => {
  const hub = new Lone();
  hub.feed(open(1), reset(1, 999), open(3), reset(3, 0));
  expect(hub.accepted.map((tap) => tap.resetBy)).toEqual(["internal", "internal"]);
});

test("a reset drops what waited, unless the stream had been ended", () => {
  const hub = new Lone();
  const tap = hub.open();
  hub.flush();
  tap.stream.write(Buffer.from("dropped"));
  tap.stream.reset("cancelled");
  expect(hub.flush()).toEqual([["RESET 2 1"]]);
});

test("a reset after the end still delivers what was written, then the end, then the reset", async () => {
  const pair = muxPair();
  const { near, far } = await stream(pair);
  const bytes = Buffer.alloc(1 << 20, "x");
  near.stream.write(bytes);
  near.stream.end();
  near.stream.reset("cancelled");
  const order: string[] = [];
  far.on = { end: () => void order.push("end"), reset: () => void order.push("reset") };
  await settle();
  expect([far.bytes, order]).toEqual([1 << 20, ["end", "reset"]]);
  expect([pair.agent.mux.streams, pair.hub.mux.streams]).toEqual([0, 0]);
});

test("a stream that was ended and reset, and whose other side ends too, leaves without a RESET", async () => {
  const hub = new Lone();
  hub.feed(open(1));
  const [tap] = hub.accepted;
  tap?.stream.write(Buffer.from("bye"));
  tap?.stream.end();
  tap?.stream.reset("cancelled");
  hub.feed(fin(1));
  expect(hub.flush()).toEqual([["DATA 1 +3 fin"]]);
  expect(hub.mux.streams).toBe(0);
});

test("whoever gave a stream up may still call it, to no effect", () => {
  const hub = new Lone();
  const tap = hub.open();
  hub.flush();
  tap.stream.reset("cancelled");
  hub.flush();
  expect(tap.stream.write(Buffer.from("x"))).toBe(true);
  tap.stream.end();
  tap.stream.reset("internal");
  tap.stream.consumed(1 << 20);
  expect(hub.flush()).toEqual([]);
});

test("all streams are reset with sessionLost when the session ends, and no more are opened", async () => {
  const { agent, hub, clock } = muxPair();
  const opened = [hub.open(), hub.open(), agent.open()];
  await settle();
  const all = [...opened, ...agent.accepted, ...hub.accepted];
  hub.session.end(new FarsiteError("E_KEY_REVOKED", "revoked"));
  await settle();
  expect(all.map((tap) => tap.resetBy)).toEqual(all.map(() => "sessionLost"));
  for (const side of [agent, hub]) {
    expect([side.mux.streams, side.mux.open("x", INTERACTIVE)]).toEqual([0, undefined]);
  }
  expect(clock.pending).toBe(0);
});

test("streams outlive their carrier, and are reset when no other comes in time", async () => {
  const pair = muxPair();
  const { near, far } = await stream(pair);
  pair.over.cut();
  await settle();
  pair.clock.advance(59_000);
  await settle();
  expect([near.resetBy, far.resetBy]).toEqual([undefined, undefined]);
  pair.clock.advance(1_000);
  expect([near.resetBy, far.resetBy]).toEqual(["sessionLost", "sessionLost"]);
});

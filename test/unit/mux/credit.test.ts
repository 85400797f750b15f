import { expect, test } from "vitest";
import { FakeClock } from "../../../common/clock.ts";
import { INITIAL_CREDIT, INTERACTIVE } from "../../../common/mux/frame.ts";
import { credit, Dice, data, fin, Lone, muxPair, open, reset, settle, type Tap } from "./rig.ts";

const MIB = 1 << 20;

/** Bytes waiting in a stream at which its writer is asked to pause. */
const HIGH_WATER = 256 << 10;

/** Writes `total` bytes as fast as the stream asks for them, then ends it. */
function pour(tap: Tap, total: number, chunkBytes = 64 << 10): { written: Buffer; taken(): number } {
  const written = new Dice(9).bytes(chunkBytes);
  let left = total;
  const more = () => {
    while (left > 0) {
      const chunk = written.subarray(0, Math.min(left, chunkBytes));
      left -= chunk.length;
      if (!tap.stream.write(chunk) && left > 0) return;
    }
    tap.stream.end();
  };
  tap.on = { drain: more };
  more();
  return { written, taken: () => total - left };
}

test("16 MiB pass through one stream while another beside it is stalled, and the stalled one stays small", async () => {
  const { agent, hub } = muxPair({
    agent: { accept: (tap) => void (tap.stream.service === "stalled" && stall(tap)) },
  });
  const stall = (tap: Tap) => {
    tap.stream.consumed = () => {};
  };
  const stalled = hub.open("stalled");
  const flowing = hub.open("flowing");
  const stalledWriter = pour(stalled, 16 * MIB);
  const { written } = pour(flowing, 16 * MIB);
  await settle();
  const [heldUp, whole] = agent.accepted;
  expect([whole?.bytes, whole?.ended]).toEqual([16 * MIB, true]);
  expect(whole?.chunks.length).toBeGreaterThan(0);
  const expected = Buffer.concat(Array.from({ length: 256 }, () => written));
  expect(Buffer.concat(whole?.chunks ?? []).equals(expected)).toBe(true);
  // the receiver holds the initial credit and no more, and the sender what makes a writer pause
  expect([heldUp?.bytes, heldUp?.ended]).toEqual([INITIAL_CREDIT, false]);
  expect(stalledWriter.taken()).toBeLessThanOrEqual(INITIAL_CREDIT + HIGH_WATER);
});

test("a stalled stream goes on where it was once its reader consumes", async () => {
  const { clock, agent, hub } = muxPair({ agent: { consuming: false } });
  const near = hub.open();
  pour(near, 5 * MIB);
  await settle();
  const far = agent.accepted[0]!;
  for (let taken = 0; far.bytes > taken; ) {
    expect(far.bytes - taken).toBeLessThanOrEqual(INITIAL_CREDIT);
    const bytes = far.bytes - taken;
    taken += bytes;
    // too slow a reader for more credit than it began with
    clock.advance(1);
    far.stream.consumed(bytes);
    await settle();
  }
  expect([far.bytes, far.ended]).toEqual([5 * MIB, true]);
});

test("no more is sent than the other side gave credit for, to the byte", () => {
  const hub = new Lone();
  const tap = hub.open();
  tap.stream.write(Buffer.alloc(INITIAL_CREDIT + MIB));
  tap.stream.end();
  const sent = () =>
    hub
      .flush()
      .flat()
      .map((text) => Number(/^DATA 2 \+(\d+)/.exec(text)?.[1] ?? 0));
  const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);
  expect(sum(sent())).toBe(INITIAL_CREDIT);
  hub.feed(credit(2, 0));
  expect(sent()).toEqual([]);
  hub.feed(credit(2, 1));
  expect(sent()).toEqual([1]);
  hub.feed(credit(2, 10), credit(2, 20));
  expect(sent()).toEqual([30]);
  hub.feed(credit(2, MIB));
  expect(sum(sent())).toBe(MIB - 31);
});

test("the end of a stream needs no credit, and waits for its last byte", () => {
  const hub = new Lone();
  const tap = hub.open();
  tap.stream.write(Buffer.alloc(INITIAL_CREDIT + 1));
  tap.stream.end();
  expect(hub.flush().flat().at(-1)).not.toMatch(/fin/);
  hub.feed(credit(2, 1));
  expect(hub.flush()).toEqual([["DATA 2 +1 fin"]]);

  const exact = hub.open();
  exact.stream.write(Buffer.alloc(INITIAL_CREDIT));
  hub.flush();
  exact.stream.end();
  expect(hub.flush()).toEqual([["DATA 4 +0 fin"]]);
});

test("credit is given back for what was consumed, in few large grants", () => {
  const clock = new FakeClock();
  const hub = new Lone({ clock });
  hub.feed(open(1));
  const grants: string[][] = [];
  for (let got = 0; got < 2 * INITIAL_CREDIT; got += 32 << 10) {
    clock.advance(1);
    hub.feed(data(1, Buffer.alloc(32 << 10)));
    grants.push(...hub.flush());
  }
  expect(grants).toEqual(Array.from({ length: 8 }, () => [`CREDIT 1 ${INITIAL_CREDIT / 4}`]));
});

/** Uses up all the credit of stream 1. */
function spend(hub: Lone): void {
  for (let left = INITIAL_CREDIT; left > 0; left -= 32 << 10) hub.feed(data(1, Buffer.alloc(32 << 10)));
}

test("no credit is given for what was not consumed, nor after the other side's end", () => {
  const hub = new Lone({ consuming: false });
  hub.feed(open(1));
  spend(hub);
  expect(hub.flush()).toEqual([]);
  hub.feed(fin(1));
  hub.accepted[0]?.stream.consumed(INITIAL_CREDIT);
  expect(hub.flush()).toEqual([]);
});

test("a peer that sends beyond its credit breaks the protocol, at the first byte too many", () => {
  const hub = new Lone({ consuming: false });
  hub.feed(open(1));
  spend(hub);
  hub.feed(data(1, ""));
  expect(() => hub.feed(data(1, "x"))).toThrow(expect.objectContaining({ code: "E_PROTOCOL" }));
  expect(hub.accepted[0]?.bytes).toBe(INITIAL_CREDIT);
});

test("credit beyond what a peer can have asked for breaks the protocol", () => {
  const hub = new Lone();
  hub.open();
  hub.flush();
  const rest = 0x7fff_ffff - INITIAL_CREDIT;
  hub.feed(credit(2, rest));
  expect(() => hub.feed(credit(2, 1))).toThrow(expect.objectContaining({ code: "E_PROTOCOL" }));
  hub.open();
  hub.flush();
  expect(() => hub.feed(credit(4, 0xffff_ffff))).toThrow(expect.objectContaining({ code: "E_PROTOCOL" }));
});

test("DATA, CREDIT and RESET on a stream that has just gone are ignored", () => {
  const hub = new Lone();
  const ended = hub.open();
  const dropped = hub.open();
  ended.stream.end();
  dropped.stream.reset("cancelled");
  hub.feed(open(1), reset(1, 1));
  hub.flush();
  hub.feed(fin(2));
  expect(hub.mux.streams).toBe(0);
  for (const id of [1, 2, 4]) hub.feed(data(id, "late"), fin(id), credit(id, 0xffff_ffff), reset(id, 1));
  expect([ended.text, dropped.text, hub.flush()]).toEqual(["", "", []]);
});

test("the two directions of a stream have credit of their own", async () => {
  const { agent, hub } = muxPair({ agent: { consuming: false } });
  const near = hub.open("both", INTERACTIVE);
  pour(near, 4 * MIB);
  await settle();
  const far = agent.accepted[0]!;
  expect(far.bytes).toBe(INITIAL_CREDIT);
  pour(far, 4 * MIB);
  await settle();
  expect([near.bytes, near.ended, far.bytes]).toEqual([4 * MIB, true, INITIAL_CREDIT]);
});

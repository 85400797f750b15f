import { expect, test } from "vitest";
import { encodeAck, MAX_RECORD } from "../../../common/session/record.ts";
import { type Lone, lone, type SideOptions, settle, wire } from "./rig.ts";

const KIB = 1 << 10;
const FIRST = 64 * KIB;
/** Bytes of each record here. */
const SIZE = 8 * KIB;

/** What the session asked of whoever is above it. */
interface Asked {
  lowest: 0 | 1 | 2;
  most: number;
}

interface Rig extends Lone {
  asked: Asked[];
  /** Records were sent of which nothing was acknowledged yet. */
  waiting(): number;
  /** As many records of one priority as the session takes now; how many those are. */
  offer(priority: 0 | 1 | 2): Promise<number>;
  acknowledge(count: number): Promise<void>;
}

/** A session above which there is without end to say, of the priority that is offered. */
function rig(limits: SideOptions["limits"] = {}, shared = () => false): Rig {
  const asked: Asked[] = [];
  let [offered, taken, acknowledged]: [number | undefined, number, number] = [undefined, 0, 0];
  const its = lone({
    limits,
    handlers: {
      pull(lowest, most) {
        asked.push({ lowest, most });
        if (offered === undefined || offered > lowest) return undefined;
        taken++;
        return Buffer.alloc(SIZE);
      },
      shared: () => shared(),
      acknowledged() {},
    },
  });
  return {
    ...its,
    asked,
    waiting: () => taken - acknowledged,
    async offer(priority) {
      const before = taken;
      offered = priority;
      its.side.session.wake();
      await settle();
      offered = undefined;
      return taken - before;
    },
    async acknowledge(count) {
      acknowledged += count;
      its.farLink.send(encodeAck(acknowledged));
      await settle();
    },
  };
}

test("bulk fills the window; what is interactive may go as far again; control goes on", async () => {
  const its = rig();
  expect(await its.offer(2)).toBe(FIRST / SIZE);
  expect(await its.offer(2)).toBe(0);
  expect(await its.offer(1)).toBe(FIRST / SIZE);
  expect(await its.offer(1)).toBe(0);
  expect(await its.offer(0)).toBe((8 << 20) / SIZE - 2 * (FIRST / SIZE));
  expect(await its.offer(0)).toBe(0);
});

test("what is asked for follows what is under way", async () => {
  const its = rig();
  its.asked.length = 0;
  await its.offer(0);
  // a record is asked for while so much is under way, in steps of its size
  const places = its.asked.map(({ lowest }, n) => [n * SIZE, lowest] as const);
  for (const [underWay, lowest] of places) {
    expect(lowest).toBe(underWay < FIRST ? 2 : underWay < 2 * FIRST ? 1 : 0);
  }
});

test("an acknowledgement makes room for bulk again, also where what is urgent had gone beyond the window", async () => {
  const its = rig();
  await its.offer(2);
  await its.offer(1);
  its.clock.advance(50);
  // half of it is still under way: as much as the window held, which has grown by as much as came back
  await its.acknowledge(FIRST / SIZE);
  expect(await its.offer(2)).toBe(FIRST / SIZE);
});

test("interactive records are held back by replayBytes like all others", async () => {
  const its = rig({ replayBytes: 3 * SIZE });
  expect(await its.offer(1)).toBe(3);
  await its.acknowledge(1);
  expect([await its.offer(0), its.waiting()]).toEqual([1, 3]);
});

test("records begin at 16 KiB, and hold four milliseconds of what the line is seen to carry", async () => {
  const its = rig();
  await its.offer(2);
  expect(new Set(its.asked.map(({ most }) => most))).toEqual(new Set([16 * KIB]));
  its.clock.advance(64);
  await its.acknowledge(FIRST / SIZE);
  its.asked.length = 0;
  await its.offer(2);
  // 128 KiB in 64 ms
  expect(its.asked[0]).toEqual({ lowest: 2, most: 8 * KIB });
});

test("on a line without delay records are as large as can be", async () => {
  const its = rig();
  await its.offer(2);
  its.clock.advance(1);
  await its.acknowledge(FIRST / SIZE);
  its.asked.length = 0;
  await its.offer(2);
  expect(its.asked[0]).toEqual({ lowest: 2, most: MAX_RECORD });
});

test("with a queue on the line bulk gets less, and what is interactive still as much again", async () => {
  const its = rig();
  // a line of 50 ms that takes 10 ms for each record: five fill it
  await its.offer(2);
  its.clock.advance(50);
  await its.acknowledge(1);
  for (let i = 0; i < 20; i++) {
    its.clock.advance(Math.max(50, 10 * its.waiting()));
    await its.acknowledge(its.waiting());
    await its.offer(2);
  }
  its.clock.advance(50);
  await its.acknowledge(its.waiting());
  const bulk = await its.offer(2);
  expect(bulk).toBeGreaterThanOrEqual(5);
  expect(bulk).toBeLessThanOrEqual(7);
  expect(Math.abs((await its.offer(1)) - bulk)).toBeLessThanOrEqual(1);
});

test("on a new carrier bulk begins with half the window, and what is sent again does not wait for it", async () => {
  const its = rig();
  for (let i = 0; i < 4; i++) {
    await its.offer(2);
    its.clock.advance(50);
    await its.acknowledge(its.waiting());
  }
  const before = await its.offer(2);
  expect(before * SIZE).toBeGreaterThan(8 * FIRST);
  const next = wire();
  let again = 0;
  next.hubLink.attach({ record: () => void again++, drain() {}, close() {} });
  its.side.session.adopt(next.agentLink, its.sent.length - before, 0);
  await settle();
  expect(again).toBe(before);
  expect(await its.offer(2)).toBe(0);
  next.hubLink.send(encodeAck(its.sent.length));
  await settle();
  expect(await its.offer(2)).toBe(before / 2);
});

test("on a new carrier what is interactive does not wait for what is sent again", async () => {
  const its = rig();
  for (let i = 0; i < 6; i++) {
    await its.offer(2);
    its.clock.advance(50);
    await its.acknowledge(its.waiting());
  }
  const before = (await its.offer(2)) + (await its.offer(1));
  const next = wire();
  next.hubLink.attach({ record() {}, drain() {}, close() {} });
  its.side.session.adopt(next.agentLink, its.sent.length - before, 0);
  await settle();
  expect(await its.offer(2)).toBe(0);
  // as much as the window holds, which is half of what it was
  expect(await its.offer(1)).toBe(Math.ceil(before / 4));
  expect(await its.offer(1)).toBe(0);
});

test("within a machine bulk goes record by record while others wait for answers", async () => {
  let shared = true;
  const its = rig({}, () => shared);
  await its.offer(2);
  its.clock.advance(0.2);
  await its.acknowledge(its.waiting());
  expect(await its.offer(2)).toBe(Math.ceil((20 * KIB) / SIZE));
  expect(await its.offer(1)).toBeGreaterThan(FIRST / SIZE);
  await its.acknowledge(its.waiting());
  shared = false;
  expect(await its.offer(2)).toBeGreaterThan(FIRST / SIZE);
});

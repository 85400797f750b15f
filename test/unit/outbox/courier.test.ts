import { expect, test } from "vitest";
import type { Box } from "../../../hub/inbox/box.ts";
import { Dice, settle } from "../mux/rig.ts";
import { MemoryDisk } from "../queue/memory-disk.ts";
import { pass } from "../session/rig.ts";
import { join, NotingSource, openBox, openLane, put, SPOOL } from "./rig.ts";

/** Lets everything happen that needs no time. */
async function rest(): Promise<void> {
  for (let i = 0; i < 20; i++) await settle();
}

const inSpool = (disk: MemoryDisk): string[] =>
  disk.names(SPOOL).map((name) => String(disk.files.get(`${SPOOL}/${name}`)));

const names = (count: number, from = 0): string[] => Array.from({ length: count }, (_, n) => `n${n + from}`);

async function stage(changes: Parameters<typeof openLane>[0] = {}) {
  const [here, there] = [new MemoryDisk(), new MemoryDisk()];
  const landed: string[] = [];
  there.onRename = (to) => {
    if (to.startsWith(`${SPOOL}/`)) landed.push(String(there.take(to)));
  };
  const source = new NotingSource();
  const lane = await openLane({ disk: here, source, ...changes });
  const box = await openBox(there);
  return { here, there, source, lane, box, landed };
}

test("items go to the hub in order, and both sides are empty afterwards", async () => {
  const { here, there, source, lane, box, landed } = await stage();
  const { courier } = join(lane, async () => box);
  await put(lane, ...names(50));
  courier.wake();
  await rest();
  await put(lane, ...names(50, 50));
  await rest();
  expect(landed).toEqual(names(100));
  expect(source.landedItems).toEqual(names(100));
  expect([lane.length, box.status().waiting]).toEqual([0, 0]);
  expect([here.files.size, there.files.size]).toEqual([0, 1]);
});

test("after a session was lost in the middle each item still lands once, in order", async () => {
  const { lane, box, landed, source } = await stage();
  await put(lane, ...names(60));
  for (let turns = 0; turns < 40; turns += 3) {
    const { courier, pair } = join(lane, async () => box);
    courier.wake();
    for (let i = 0; i < turns; i++) await Promise.resolve();
    pair.over.cut();
    courier.stop();
    await settle();
  }
  const { courier } = join(lane, async () => box);
  courier.wake();
  await rest();
  expect([landed, source.landedItems]).toEqual([names(60), names(60)]);
});

test("items of former starts go first, epoch by epoch", async () => {
  const [disk, random] = [new MemoryDisk(), new Dice(11)];
  for (const name of ["a", "b", "c"]) await put(await openLane({ disk, random }), name, `${name}2`);
  const { box, landed } = await stage();
  const lane = await openLane({ disk, random });
  const { courier } = join(lane, async () => box);
  courier.wake();
  await rest();
  await put(lane, "d");
  await rest();
  expect(landed).toEqual(["a", "a2", "b", "b2", "c", "c2", "d"]);
  expect([lane.length, disk.names("/outbox/notify").length]).toEqual([0, 1]);
});

test("a hub that takes nothing of the lane is asked again, ever more seldom, and nothing is lost", async () => {
  const { lane, box, landed } = await stage();
  let asked = 0;
  let open = false;
  const { courier, pair } = join(lane, async () => {
    asked++;
    return open ? box : undefined;
  });
  await put(lane, "a");
  courier.wake();
  await rest();
  expect(courier.reason).toBe("the hub takes nothing of this lane");
  await pass(pair.clock, 10 * 60_000, 1000);
  expect(asked).toBeLessThan(30);
  open = true;
  await pass(pair.clock, 60_000, 1000);
  await rest();
  expect([landed, courier.reason]).toEqual([["a"], undefined]);
});

test("what is under way without an answer is bounded", async () => {
  const { lane } = await stage({ limits: { items: 1000, bytes: 1 << 30, age: 1e12 } });
  let came = 0;
  const held = {
    attach: (_epoch: string, _first: number, to: { acknowledge(number: number): void }) => to.acknowledge(0),
    receive: () => {
      came++;
    },
    detach: () => {},
    full: false,
  } as unknown as Box;
  await put(lane, ...names(600));
  const { courier } = join(lane, async () => held);
  courier.wake();
  for (let i = 0; i < 40; i++) await rest();
  expect(came).toBe(256);
});

test("an item that is damaged on disk is set aside, and those behind it go on", async () => {
  const { here, lane, box, landed } = await stage();
  for (const name of ["a", "b", "c"]) await put(lane, name);
  const path = [...here.files.keys()].find((each) => each.endsWith("000000000002"))!;
  here.files.get(path)!.fill(0, 60);
  const { courier } = join(lane, async () => box);
  courier.wake();
  await rest();
  expect([landed, lane.length, lane.status().damaged]).toEqual([["a", "c"], 0, 1]);
});

test("what the hub refuses is set aside, and those behind it go on", async () => {
  const { lane, there, source } = await stage();
  const check = ({ body }: { body: Buffer }) => {
    if (String(body) === "b") throw new Error("not this one");
  };
  const box = await openBox(there, { lane: { name: "notify", longest: 100, check } });
  await put(lane, "a", "b", "c");
  const { courier } = join(lane, async () => box);
  courier.wake();
  await rest();
  expect([source.failedItems, source.landedItems]).toEqual([
    ["b: the hub refused it: not this one"],
    ["a", "c"],
  ]);
  expect([inSpool(there), lane.length]).toEqual([[], 0]);
});

test("a lane with something to say goes before those behind it", async () => {
  const { here, box, landed } = await stage();
  const lane = await openLane({ disk: here });
  let busy = true;
  const { courier } = join(lane, async () => box, { waits: () => busy });
  await put(lane, "a");
  courier.wake();
  await rest();
  expect(landed).toEqual([]);
  busy = false;
  courier.wake();
  await rest();
  expect(landed).toEqual(["a"]);
});

test("items go no faster than is allowed, in order, and all of them", async () => {
  const { lane, box, landed } = await stage();
  const { courier, pair } = join(lane, async () => box, {
    pace: { itemsPerSecond: 20, bytesPerSecond: undefined },
  });
  await put(lane, ...names(10));
  courier.wake();
  await rest();
  // a tenth of a second's worth at once
  expect(landed).toEqual(names(2));
  for (let ms = 50; ms <= 500; ms += 50) {
    pair.clock.advance(50);
    await rest();
    expect(landed.length).toBeLessThanOrEqual(2 + ms / 50);
  }
  expect(landed).toEqual(names(10));
});

test("bytes go no faster than is allowed; an item larger than what may go at once goes whole", async () => {
  const { lane, box, landed } = await stage();
  await put(lane, "n0", "n1");
  const { courier, pair } = join(lane, async () => box, {
    pace: { itemsPerSecond: 1e6, bytesPerSecond: lane.front!.queue.first!.size },
  });
  courier.wake();
  await rest();
  expect(landed).toEqual(["n0"]);
  pair.clock.advance(850);
  await rest();
  expect(landed).toEqual(["n0"]);
  pair.clock.advance(150);
  await rest();
  expect(landed).toEqual(["n0", "n1"]);
});

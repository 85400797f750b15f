import { expect, test } from "vitest";
import { ItemTooLarge } from "../../../agent/outbox/lane/index.ts";
import { FakeClock } from "../../../common/clock.ts";
import { Opener } from "../../../common/outbox/index.ts";
import { Dice, settle } from "../mux/rig.ts";
import { MemoryDisk } from "../queue/memory-disk.ts";
import { HUB, itemMeta, NotingSource, openLane, put, sourcesOf } from "./rig.ts";

const limits = { items: 3, bytes: 1 << 20, age: Number.POSITIVE_INFINITY };

test("what is queued is there after a restart, in order, and only the hub can read it", async () => {
  const disk = new MemoryDisk();
  const lane = await openLane({ disk });
  await put(lane, "a", "b");
  const source = new NotingSource();
  const again = await openLane({ disk: disk.after("power cut"), source });
  expect([await sourcesOf(again), source.queuedItems]).toEqual([
    ["a", "b"],
    ["a", "b"],
  ]);
  const { queue } = again.front!;
  const item = await queue.read(queue.first!);
  expect(new Opener(() => [HUB]).open(item!.body, 10).toString()).toBe("a");
});

test("every start numbers its items anew, in an epoch of its own, behind those of before", async () => {
  const disk = new MemoryDisk();
  const random = new Dice(5);
  await put(await openLane({ disk, random }), "a", "b");
  const again = await openLane({ disk, random });
  const former = again.front!;
  await put(again, "c");
  expect(await sourcesOf(again)).toEqual(["a", "b"]);
  again.acknowledge(former, 2);
  await settle();
  expect(await sourcesOf(again)).toEqual(["c"]);
  const { front } = again;
  expect([front?.queue.first?.number, front?.id.equals(former.id)]).toEqual([1, false]);
  expect(disk.names("/outbox/notify")).toHaveLength(1);
});

test("a disk that comes back as it was before cannot make a new item look like an old one", async () => {
  const disk = new MemoryDisk();
  const random = new Dice(5);
  const first = await openLane({ disk, random });
  await put(first, "a");
  const backup = disk.after("kill");
  await put(first, "b");
  const restored = await openLane({ disk: backup, random });
  await put(restored, "other");
  const [old, own] = [first.front!, [...backup.names("/outbox/notify")].at(-1)];
  expect(own).not.toContain(old.id.toString("hex"));
});

test("a source hears that its items have landed before they leave the disk, and again while it fails", async () => {
  const disk = new MemoryDisk();
  const clock = new FakeClock();
  const source = new NotingSource();
  const lane = await openLane({ disk, clock, source });
  await put(lane, "a", "b", "c");
  source.onLanded = () => {
    expect(lane.length).toBe(3);
    throw new Error("read-only file system");
  };
  lane.acknowledge(lane.front!, 2);
  await settle();
  expect([source.landedItems, lane.length]).toEqual([[], 3]);
  expect(lane.status().problem).toContain("read-only file system");
  source.onLanded = () => {};
  clock.advance(10_000);
  await settle();
  expect([source.landedItems, await sourcesOf(lane), lane.status().landed]).toEqual([["a", "b"], ["c"], 2]);
  expect(lane.status().problem).toBeUndefined();
});

test("a full lane takes no more, and its source is told", async () => {
  const lane = await openLane({ limits });
  await put(lane, "a", "b", "c");
  await expect(put(lane, "d")).rejects.toThrow("the outbox is full: 3 items");
  expect(lane.status().problem).toContain("full");
  lane.acknowledge(lane.front!, 1);
  await settle();
  await put(lane, "d");
  expect([await sourcesOf(lane), lane.status().problem]).toEqual([["b", "c", "d"], undefined]);
});

test("a lane is full by bytes, too, and counts what is being written", async () => {
  const lane = await openLane({ limits: { ...limits, items: 100, bytes: 1000 } });
  const outcomes = await Promise.allSettled(
    Array.from({ length: 20 }, (_, n) => lane.append(itemMeta(`s${n}`), lane.seal(Buffer.alloc(10)))),
  );
  expect(lane.status().bytes).toBeLessThanOrEqual(2000);
  expect(outcomes.filter(({ status }) => status === "rejected").length).toBeGreaterThan(5);
});

test("where the oldest give way, they are counted, and told to their source", async () => {
  const source = new NotingSource();
  const lane = await openLane({ limits, full: "oldest", source });
  await put(lane, "a", "b", "c", "d", "e");
  await settle();
  expect([await sourcesOf(lane), lane.status().superseded]).toEqual([["c", "d", "e"], 2]);
  const reason = "newer ones took its place";
  expect(source.failedItems).toEqual([`a: ${reason}`, `b: ${reason}`]);
});

test("what is under way gives way to nothing; of what waits behind it the newest is kept", async () => {
  const lane = await openLane({ limits: { ...limits, items: 1 }, full: "oldest" });
  await put(lane, "a");
  lane.front!.underWay = 1;
  for (const name of ["b", "c", "d"]) {
    await put(lane, name);
    await settle();
  }
  expect(await sourcesOf(lane)).toEqual(["a", "d"]);
  lane.acknowledge(lane.front!, 1);
  await settle();
  expect(await sourcesOf(lane)).toEqual(["d"]);
});

test("what is too old is given up", async () => {
  const clock = new FakeClock(0);
  const source = new NotingSource();
  const lane = await openLane({ clock, source, limits: { ...limits, age: 1000 } });
  await lane.append(itemMeta("a", 0), lane.seal(Buffer.from("a")));
  await lane.append(itemMeta("b", 600), lane.seal(Buffer.from("b")));
  clock.advance(1001);
  lane.expire();
  await settle();
  expect([await sourcesOf(lane), source.failedItems]).toEqual([["b"], ["a: it is too old"]]);
});

test("what the hub refuses is set aside, and its source is told why", async () => {
  const disk = new MemoryDisk();
  const source = new NotingSource();
  const lane = await openLane({ disk, source });
  await put(lane, "a", "b");
  await lane.refuse(lane.front!, 1, "not like this");
  expect([await sourcesOf(lane), lane.status().refused]).toEqual([["b"], 1]);
  expect(source.failedItems).toEqual(["a: the hub refused it: not like this"]);
  expect(disk.names("/outbox/notify/aside")).toHaveLength(1);
});

test("a full disk at any step leaves what was queued, in order, and is mended by another try", async () => {
  for (let step = 1; step <= 16; step++) {
    const disk = new MemoryDisk();
    const lane = await openLane({ disk });
    disk.fail(step);
    const names = ["a", "b", "c"];
    const outcomes = await Promise.allSettled(
      names.map((name) => lane.append(itemMeta(name), lane.seal(Buffer.from(name)))),
    );
    const taken = names.filter((_, index) => outcomes[index]?.status === "fulfilled");
    expect(names.slice(0, taken.length), `step ${step}`).toEqual(taken);
    for (const name of names.slice(taken.length)) {
      await lane.append(itemMeta(name), lane.seal(Buffer.from(name))).catch(() => put(lane, name));
    }
    expect(await sourcesOf(lane), `step ${step}`).toEqual(names);
    expect(await sourcesOf(await openLane({ disk: disk.after("power cut") })), `step ${step}`).toEqual(names);
  }
});

test("what is taken back is gone for good, unless it is under way", async () => {
  const disk = new MemoryDisk();
  const source = new NotingSource();
  const lane = await openLane({ disk, source });
  await put(lane, "a", "b", "c");
  lane.front!.underWay = 1;
  const withdrawn = await lane.withdraw(({ source: name }) => name !== "c");
  expect([withdrawn.map(({ source: name }) => name), await sourcesOf(lane)]).toEqual([["b"], ["a", "c"]]);
  expect([lane.status().superseded, source.failedItems]).toEqual([1, []]);
  expect(await sourcesOf(await openLane({ disk: disk.after("kill") }))).toEqual(["a", "c"]);
});

test("an item that fits into no lane is told from a lane that is full", async () => {
  const lane = await openLane({ limits: { ...limits, bytes: 1 << 30 } });
  const noise = Buffer.from(new Dice(3).bytes(5 << 20));
  expect(() => lane.seal(noise)).toThrow(ItemTooLarge);
  expect(lane.status().problem).toBeUndefined();
});

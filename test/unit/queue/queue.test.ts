import { expect, test } from "vitest";
import { z } from "zod";
import { type Entry, MOST_ASIDE, Queue } from "../../../common/queue/index.ts";
import { MemoryDisk } from "./memory-disk.ts";

const meta = z.object({ name: z.string(), time: z.number() });
type Meta = z.output<typeof meta>;

function open(disk: MemoryDisk, damaged: string[] = [], after = 0): Promise<Queue<Meta>> {
  return Queue.open({
    disk,
    directory: "/queue",
    meta,
    aside: "/aside",
    after,
    damaged: (name, reason) => damaged.push(`${name}: ${reason}`),
  });
}

const put = (queue: Queue<Meta>, name: string): Promise<Entry> =>
  queue.append({ name, time: 7 }, Buffer.from(`body of ${name}`));

const namesOf = async (queue: Queue<Meta>): Promise<string[]> =>
  (await queue.metas([...queue.entries()])).map(({ name }) => name);

async function bodyOf(queue: Queue<Meta>, number: number): Promise<string> {
  return String((await queue.read(queue.get(number)!))?.body);
}

test("items come back in order, each with its number and body, also after a restart", async () => {
  const disk = new MemoryDisk();
  const queue = await open(disk);
  const entries = await Promise.all(["a", "b", "c"].map((name) => put(queue, name)));
  expect(entries.map(({ number }) => number)).toEqual([1, 2, 3]);
  const again = await open(disk.after("power cut"));
  expect(await namesOf(again)).toEqual(["a", "b", "c"]);
  expect(await bodyOf(again, 2)).toBe("body of b");
  expect([again.length, again.bytes]).toEqual([queue.length, queue.bytes]);
  expect((await put(again, "d")).number).toBe(4);
});

test("a number is not given again, not even when the queue was empty at a restart", async () => {
  const queue = await open(new MemoryDisk(), [], 17);
  expect((await put(queue, "a")).number).toBe(18);
});

test("many items that come at once share a file, which goes with the last of them", async () => {
  const disk = new MemoryDisk();
  const queue = await open(disk);
  const before = disk.steps;
  const entries = await Promise.all(Array.from({ length: 65 }, (_, n) => put(queue, `n${n}`)));
  // the first one goes alone; two steps to write a file, its name, and the directory's flush
  expect(disk.steps - before).toBe(2 * 4);
  await queue.remove(entries.slice(0, 64));
  expect(disk.names("/queue")).toEqual(["000000000002"]);
  expect([queue.length, await bodyOf(queue, 65)]).toEqual([1, "body of n64"]);
  await queue.remove(entries.slice(64));
  expect(disk.names("/queue")).toEqual([]);
});

test("large items do not all come into one file", async () => {
  const disk = new MemoryDisk();
  const queue = await open(disk);
  const large = (name: string) => queue.append({ name, time: 7 }, Buffer.alloc(200 << 10, name));
  await Promise.all([..."abcde"].map(large));
  expect(disk.names("/queue")).toEqual(["000000000001", "000000000002", "000000000004"]);
  const again = await open(disk.after("power cut"));
  expect(await namesOf(again)).toEqual([..."abcde"]);
  expect((await again.read(again.get(5)!))?.body.equals(Buffer.alloc(200 << 10, "e"))).toBe(true);
});

test("who opens a queue finds all items of a file that has any left, and none of one that has not", async () => {
  const disk = new MemoryDisk();
  const queue = await open(disk);
  const entries = await Promise.all(["a", "b", "c", "d"].map((name) => put(queue, name)));
  await queue.remove(entries.slice(0, 3));
  const again = await open(disk.after("kill"));
  expect(await namesOf(again)).toEqual(["b", "c", "d"]);
  await again.remove([...again.entries()]);
  expect(disk.after("kill").names("/queue").length + again.length).toBe(1);
});

test("what is withdrawn, or set aside, is gone for good, though others of its file stay", async () => {
  const disk = new MemoryDisk();
  const queue = await open(disk);
  const [, b, , d, e] = await Promise.all(["a", "b", "c", "d", "e"].map((name) => put(queue, name)));
  await Promise.all([queue.withdraw(b!), queue.setAside(d!), queue.withdraw(e!)]);
  expect(await namesOf(queue)).toEqual(["a", "c"]);
  const again = await open(disk.after("kill"));
  expect(await namesOf(again)).toEqual(["a", "c"]);
  expect(await bodyOf(again, 3)).toBe("body of c");
  expect([...again.entries()].map(({ number }) => number)).toEqual([1, 3]);
  expect((await put(again, "f")).number).toBe(6);
});

test("a file whose items were all withdrawn or removed meanwhile is gone", async () => {
  const disk = new MemoryDisk();
  const queue = await open(disk);
  const [a, b, c] = await Promise.all(["a", "b", "c"].map((name) => put(queue, name)));
  await Promise.all([queue.withdraw(b!), queue.remove([a!, c!, b!])]);
  expect([queue.length, disk.names("/queue")]).toEqual([0, []]);
});

test("an item that two take out at once leaves the others of its file", async () => {
  const disk = new MemoryDisk();
  const queue = await open(disk);
  const [, b] = await Promise.all(["a", "b", "c", "d"].map((name) => put(queue, name)));
  await Promise.all([queue.remove([b!]), queue.remove([b!]), queue.remove([b!])]);
  expect(await namesOf(queue)).toEqual(["a", "c", "d"]);
});

test("items are read as well when some of their file have left meanwhile", async () => {
  const queue = await open(new MemoryDisk());
  const entries = await Promise.all(["a", "b", "c", "d"].map((name) => put(queue, name)));
  await queue.remove([entries[2]!]);
  const read = await queue.readSome(entries);
  expect(read.map((item) => item?.meta.name)).toEqual(["a", "b", undefined, "d"]);
});

test("a disk that has room for some items only takes those in front", async () => {
  const disk = new MemoryDisk();
  const queue = await open(disk);
  await put(queue, "a");
  // four together do not fit, nor two: removing what is left of them is a step, too
  disk.fail(1);
  disk.fail(3);
  const outcomes = await Promise.allSettled(["b", "c", "d", "e"].map((name) => put(queue, name)));
  expect(outcomes.map(({ status }) => status)).toEqual(Array(4).fill("fulfilled"));
  expect(await namesOf(await open(disk.after("power cut")))).toEqual([..."abcde"]);
});

test("what is removed or set aside is gone; what is set aside is kept for people", async () => {
  const disk = new MemoryDisk();
  const queue = await open(disk);
  const [a, b] = await Promise.all([put(queue, "a"), put(queue, "b")]);
  await queue.remove([a]);
  await queue.setAside(b);
  expect([queue.length, queue.bytes, queue.first]).toEqual([0, 0, undefined]);
  expect([disk.names("/queue"), disk.names("/aside")]).toEqual([[], ["queue-000000000002"]]);
});

test("only so many files are kept aside", async () => {
  const disk = new MemoryDisk();
  const queue = await open(disk);
  const entries = await Promise.all(Array.from({ length: MOST_ASIDE + 5 }, (_, n) => put(queue, `n${n}`)));
  for (const entry of entries) await queue.setAside(entry);
  expect([disk.names("/aside").length, disk.names("/queue").length]).toEqual([MOST_ASIDE, 0]);
});

test.each([
  ["cut short", (bytes: Buffer) => bytes.subarray(0, bytes.length - 3)],
  ["cut in its head", (bytes: Buffer) => bytes.subarray(0, 20)],
  ["empty", () => Buffer.alloc(0)],
  ["of another format", (bytes: Buffer) => Buffer.concat([Buffer.from("XXXX"), bytes.subarray(4)])],
])("a file that is %s is set aside and reported at the start; the others stay", async (_, damage) => {
  const disk = new MemoryDisk();
  const queue = await open(disk);
  for (const name of ["a", "b", "c"]) await put(queue, name);
  const path = "/queue/000000000002";
  disk.files.set(path, damage(disk.files.get(path)!));
  const damaged: string[] = [];
  const again = await open(disk.after("kill"), damaged);
  expect(await namesOf(again)).toEqual(["a", "c"]);
  expect(damaged).toHaveLength(1);
  expect((await put(again, "d")).number).toBe(4);
});

test("of a file that is cut short, what is whole stays, and a copy of the rest is set aside", async () => {
  const disk = new MemoryDisk();
  const queue = await open(disk);
  await Promise.all(["a", "b", "c", "d"].map((name) => put(queue, name)));
  const path = "/queue/000000000002";
  disk.files.set(path, disk.files.get(path)!.subarray(0, -3));
  const damaged: string[] = [];
  const again = await open(disk.after("kill"), damaged);
  expect(await namesOf(again)).toEqual(["a", "b", "c"]);
  expect(damaged).toHaveLength(1);
  // nothing that was behind it gets its number again
  expect((await put(again, "e")).number).toBeGreaterThan(4);
});

test("one item of several is set aside when its bytes changed; the others are given out", async () => {
  const disk = new MemoryDisk();
  const damaged: string[] = [];
  const queue = await open(disk, damaged);
  const entries = await Promise.all(["a", "b", "c", "d"].map((name) => put(queue, name)));
  const bytes = disk.files.get("/queue/000000000002")!;
  bytes[entries[1]!.size + entries[2]!.size - 1]! ^= 1;
  const read = await queue.readSome(entries);
  expect(read.map((item) => item?.meta.name)).toEqual(["a", "b", undefined, "d"]);
  expect(damaged).toEqual(["000000000003: its checksum is wrong"]);
  expect([queue.length, disk.names("/aside")]).toEqual([3, ["queue-000000000003"]]);
  await queue.remove([...queue.entries()]);
  expect(disk.names("/queue")).toEqual([]);
});

test("a body whose bytes changed is not given out, but set aside and reported", async () => {
  const disk = new MemoryDisk();
  const damaged: string[] = [];
  const queue = await open(disk, damaged);
  const entry = await put(queue, "a");
  const bytes = disk.files.get("/queue/000000000001")!;
  bytes[bytes.length - 1]! ^= 1;
  expect(await queue.read(entry)).toBeUndefined();
  expect(damaged).toEqual(["000000000001: its checksum is wrong"]);
  expect([queue.length, disk.names("/aside").length]).toEqual([0, 1]);
});

test("of what was taken out meanwhile nothing is given, and nobody complains", async () => {
  const damaged: string[] = [];
  const queue = await open(new MemoryDisk(), damaged);
  const [a, b] = await Promise.all([put(queue, "a"), put(queue, "b")]);
  await queue.remove([a]);
  expect([await queue.read(a), (await queue.metas([a, b])).length, damaged]).toEqual([undefined, 1, []]);
});

test("what is behind a number is found, over gaps too", async () => {
  const queue = await open(new MemoryDisk());
  const [a, b] = await Promise.all(["a", "b", "c"].map((name) => put(queue, name)));
  await queue.remove([a!, b!]);
  expect([0, 1, 2, 3].map((number) => queue.behind(number)?.number)).toEqual([3, 3, 3, undefined]);
});

test("who opens a queue hears what is there, in order", async () => {
  const disk = new MemoryDisk();
  const queue = await open(disk);
  await Promise.all(["a", "b"].map((name) => put(queue, name)));
  const found: string[] = [];
  await Queue.open({
    disk,
    directory: "/queue",
    meta,
    aside: "/aside",
    damaged: () => {},
    found: ({ number, time }, { name }) => found.push(`${number} ${time} ${name}`),
  });
  expect(found).toEqual(["1 7 a", "2 7 b"]);
});

/** Steps of three items that come at once. */
const STEPS = 20;

test("a full disk at any step loses nothing that was promised, keeps the order, and a later try succeeds", async () => {
  for (let step = 1; step <= STEPS; step++) {
    const disk = new MemoryDisk();
    const queue = await open(disk);
    disk.fail(step);
    const names = ["a", "b", "c"];
    const outcomes = await Promise.allSettled(names.map((name) => put(queue, name)));
    const taken = names.filter((_, index) => outcomes[index]?.status === "fulfilled");
    expect(await namesOf(queue), `step ${step}`).toEqual(taken);
    expect(names.slice(0, taken.length), `step ${step}`).toEqual(taken);
    for (const name of names.slice(taken.length)) await put(queue, name);
    const again = await open(disk.after("power cut"));
    expect(await namesOf(again), `step ${step}`).toEqual(names);
  }
});

test("after a crash at any step all that was promised is there, in order, each item whole", async () => {
  for (const how of ["kill", "power cut"] as const) {
    for (let step = 1; step <= STEPS; step++) {
      for (const done of [false, true]) {
        const disk = new MemoryDisk();
        const queue = await open(disk);
        const crashed = disk.crash(step, done);
        const promised: string[] = [];
        const all = Promise.all(
          ["a", "b", "c"].map((name) => put(queue, name).then(() => promised.push(name))),
        );
        await Promise.race([crashed, all]);
        const damaged: string[] = [];
        const again = await open(disk.after(how), damaged);
        const there = await namesOf(again);
        expect(there.slice(0, promised.length), `${how} ${step}`).toEqual(promised);
        expect(["a", "b", "c"].slice(0, there.length), `${how} ${step}`).toEqual(there);
        expect(damaged).toEqual([]);
        for (const entry of [...again.entries()]) {
          expect(await bodyOf(again, entry.number)).toBe(`body of ${(await again.metas([entry]))[0]?.name}`);
        }
      }
    }
  }
});

import { expect, test } from "vitest";
import { BoxState } from "../../../hub/inbox/state.ts";
import { MemoryDisk } from "../queue/memory-disk.ts";

const never = (reason: string) => {
  throw new Error(reason);
};

test("what was saved is there after a power cut; what was not saved is not", async () => {
  const disk = new MemoryDisk();
  const state = await BoxState.open(disk, "/box", never);
  state.receive("a", 5, 7);
  state.refuse("a", 4, "not this one");
  state.sink("central").landed = 6;
  state.sink("central").landing = { to: 7, place: "/spool" };
  await state.save();
  state.receive("a", 6, 8);
  const again = await BoxState.open(disk.after("power cut"), "/box", never);
  expect([again.received("a"), again.given]).toEqual([5, 7]);
  expect(again.refusals("a", 1)).toMatchObject([{ number: 4, reason: "not this one" }]);
  expect(again.sink("central")).toEqual({ landed: 6, landing: { to: 7, place: "/spool" } });
});

test("many saves at once are few writes, and each has what was known when it was asked for", async () => {
  const disk = new MemoryDisk();
  const state = await BoxState.open(disk, "/box", never);
  const saves = Array.from({ length: 20 }, (_, n) => {
    state.receive("a", n + 1, n + 1);
    return state.save();
  });
  await Promise.all(saves);
  expect(disk.steps).toBeLessThan(10);
  expect((await BoxState.open(disk.after("power cut"), "/box", never)).received("a")).toBe(20);
});

test("a save that fails says so, and the next one has everything", async () => {
  const disk = new MemoryDisk();
  const state = await BoxState.open(disk, "/box", never);
  state.receive("a", 1, 1);
  disk.fail(1);
  await expect(state.save()).rejects.toThrow("ENOSPC");
  await state.save();
  expect((await BoxState.open(disk.after("power cut"), "/box", never)).received("a")).toBe(1);
});

test("only so many epochs and refusals are remembered: the newest", async () => {
  const state = await BoxState.open(new MemoryDisk(), "/box", never);
  for (let n = 1; n <= 65; n++) state.receive(`e${n}`, n, n);
  expect([state.received("e1"), state.received("e2"), state.received("e65")]).toEqual([0, 2, 65]);
  for (let n = 1; n <= 257; n++) state.refuse("e65", n, "no");
  const refusals = state.refusals("e65", 1);
  expect([refusals.length, refusals[0]?.number]).toEqual([256, 2]);
});

test("refusals that the agent has dealt with are forgotten", async () => {
  const state = await BoxState.open(new MemoryDisk(), "/box", never);
  for (let n = 1; n <= 4; n++) state.refuse("a", n, "no");
  expect(state.refusals("a", 3).map(({ number }) => number)).toEqual([3, 4]);
  expect(state.refusals("b", 1)).toEqual([]);
  expect(state.refusals("a", 1)).toEqual([]);
});

test("a sink may have the name of anything", async () => {
  const state = await BoxState.open(new MemoryDisk(), "/box", never);
  expect(state.sink("constructor")).toEqual({ landed: 0 });
});

test.each(["", "{", "[]", '{"version": 2}'])(
  "a state file that is damaged (%s) is reported",
  async (text) => {
    const disk = new MemoryDisk();
    await disk.write("/box/state.json", [Buffer.from(text)]);
    const reasons: string[] = [];
    const state = await BoxState.open(disk, "/box", (reason) => reasons.push(reason));
    expect([reasons.length, state.given]).toEqual([1, 0]);
  },
);

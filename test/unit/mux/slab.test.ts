import { expect, test } from "vitest";
import { commit, release, room } from "../../../common/mux/slab.ts";
import { Dice } from "./rig.ts";

/** Builds a record of `size` bytes, all of them `mark`. */
function build(size: number, mark: number): Buffer {
  room(65_519).fill(0xee).fill(mark, 0, size);
  return commit(size);
}

test("records that are kept never share a byte, in whatever order others are released", () => {
  const dice = new Dice(1);
  const kept: { record: Buffer; mark: number }[] = [];
  for (let i = 0; i < 5_000; i++) {
    const size = 1 + dice.upTo(dice.upTo(3) === 0 ? 65_519 : 12_000);
    kept.push({ record: build(size, i % 200), mark: i % 200 });
    expect(kept.at(-1)?.record.length).toBe(size);
    while (kept.length > 150 || (kept.length > 0 && dice.upTo(3) === 0)) {
      // mostly the oldest, as acknowledgements do
      const [done] = kept.splice(dice.upTo(4) === 0 ? dice.upTo(kept.length) : 0, 1);
      if (!done!.record.equals(Buffer.alloc(done!.record.length, done!.mark))) throw new Error(`record ${i}`);
      release(done!.record);
    }
  }
  expect(kept.length).toBeGreaterThan(0);
});

test("the memory of released records is used again", () => {
  const memory = new Set<ArrayBufferLike>();
  for (let i = 0; i < 1_000; i++) {
    const record = build(60_000, 1);
    memory.add(record.buffer);
    release(record);
  }
  expect(memory.size).toBeLessThanOrEqual(3);
});

test("a few bytes that are kept hold no more memory than themselves", () => {
  expect(build(100, 1).buffer.byteLength).toBe(100);
});

test("bytes that came from elsewhere may be released, to no effect", () => {
  release(Buffer.alloc(100));
  release(Buffer.alloc(100_000));
  expect(build(10_000, 7).equals(Buffer.alloc(10_000, 7))).toBe(true);
});

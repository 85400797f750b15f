import { expect, test } from "vitest";
import { FakeClock } from "../../../common/clock.ts";
import { BULK, CONTROL_PRIORITY, INTERACTIVE } from "../../../common/mux/frame.ts";
import { FRAMES_HEADER, MAX_RECORD } from "../../../common/session/record.ts";
import { brief, Lone, type Tap } from "./rig.ts";

const QUANTUM = 16 << 10;

function write(tap: Tap, bytes: number): void {
  tap.stream.write(Buffer.alloc(bytes));
}

test("the next record is filled by priority, whatever the order of writing", () => {
  const hub = new Lone();
  const bulk = hub.open("bulk", BULK);
  const interactive = hub.open("interactive", INTERACTIVE);
  const control = hub.open("control", CONTROL_PRIORITY);
  hub.flush();
  for (const tap of [bulk, interactive, control]) write(tap, 1_000);
  expect(hub.next().map(brief)).toEqual(["DATA 6 +1000", "DATA 4 +1000", "DATA 2 +1000"]);
});

test("what is interactive does not wait behind bulk that was written long before", () => {
  const hub = new Lone();
  const bulk = hub.open("bulk", BULK);
  const interactive = hub.open("interactive", INTERACTIVE);
  hub.flush();
  write(bulk, 200_000);
  expect(hub.next().map((frame) => frame.id)).toEqual([2]);
  write(interactive, 500);
  const frames = hub.next();
  expect(brief(frames[0]!)).toBe("DATA 4 +500");
  expect(frames[1]?.id).toBe(2);
});

test("credit and resets go before all data", () => {
  const hub = new Lone();
  const control = hub.open("control", CONTROL_PRIORITY);
  const other = hub.open("other", INTERACTIVE);
  hub.flush();
  write(control, 10);
  other.stream.reset("cancelled");
  expect(hub.flush()).toEqual([["RESET 4 1", "DATA 2 +10"]]);
});

test("streams of one priority take turns, each with at most a quantum", () => {
  const hub = new Lone();
  const taps = Array.from({ length: 3 }, () => hub.open("bulk", BULK));
  hub.flush();
  for (const tap of taps) write(tap, 100_000);
  const order: number[] = [];
  const sizes = new Map<number, number>();
  for (let record = 0; record < 4; record++) {
    for (const { id, body } of hub.next()) {
      if (order.at(-1) !== id) order.push(id);
      sizes.set(id, (sizes.get(id) ?? 0) + body.length);
      expect(body.length).toBeLessThanOrEqual(QUANTUM);
    }
  }
  expect(order.slice(0, 9)).toEqual([2, 4, 6, 2, 4, 6, 2, 4, 6]);
  const shares = [...sizes.values()];
  expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(QUANTUM);
});

test("a stream that joins while another sends gets its turn in the next record", () => {
  const hub = new Lone();
  const early = hub.open("bulk", BULK);
  write(early, 250_000);
  hub.next();
  const late = hub.open("bulk", BULK);
  write(late, 100);
  expect(hub.next().map((frame) => frame.id)).toContain(late.stream.id);
});

test("a lone stream fills a record to its last byte in one frame", () => {
  const hub = new Lone();
  const tap = hub.open("bulk", BULK);
  hub.flush();
  write(tap, 100_000);
  expect(hub.next().map(brief)).toEqual([`DATA 2 +${MAX_RECORD - FRAMES_HEADER - 8}`]);
});

test("no record is larger than a carrier takes, whatever is mixed", () => {
  const hub = new Lone({ maxStreams: 500 });
  for (let i = 0; i < 400; i++) {
    const tap = hub.open("mixed", ([0, 1, 2] as const)[i % 3]);
    write(tap, 1 + ((i * 7_919) % 5_000));
    if (i % 5 === 0) hub.mux.sendControl(Buffer.alloc((i * 31) % 3_000));
    if (i % 2 === 0) tap.stream.end();
  }
  let records = 0;
  for (let record = hub.mux.pull(2, MAX_RECORD); record; record = hub.mux.pull(2, MAX_RECORD)) {
    expect(record.length).toBeLessThanOrEqual(MAX_RECORD);
    records++;
  }
  expect(records).toBeGreaterThan(10);
});

test("a stream without credit does not hold up the others of its priority", () => {
  const hub = new Lone();
  const spent = hub.open("bulk", BULK);
  write(spent, 1 << 20);
  hub.flush();
  const other = hub.open("bulk", BULK);
  write(other, 10);
  expect(hub.flush()).toEqual([["OPEN 4 +5", "DATA 4 +10"]]);
});

test("bulk fills whole records, and smaller ones while somebody waits for what goes beside it", () => {
  const clock = new FakeClock();
  const hub = new Lone({ clock });
  const bulk = hub.open("bulk", BULK);
  const interactive = hub.open("interactive", INTERACTIVE);
  hub.flush();
  const room = MAX_RECORD - FRAMES_HEADER - 8;
  const sizes = () => hub.next().map(({ id, body }) => [id, body.length]);
  write(bulk, 250_000);
  expect([hub.mux.shared, sizes()]).toEqual([false, [[bulk.stream.id, room]]]);
  write(interactive, 500);
  const small = 32_768 - FRAMES_HEADER - 8;
  expect(sizes()).toEqual([
    [interactive.stream.id, 500],
    [bulk.stream.id, small - 500 - 8],
  ]);
  expect([hub.mux.shared, sizes()]).toEqual([true, [[bulk.stream.id, small]]]);
  clock.advance(200);
  expect([hub.mux.shared, sizes()]).toEqual([false, [[bulk.stream.id, room]]]);
});

test("a large answer without bulk beside it fills whole records", () => {
  const hub = new Lone();
  const interactive = hub.open("interactive", INTERACTIVE);
  hub.flush();
  write(interactive, 200_000);
  for (let i = 0; i < 2; i++) {
    expect(hub.next().map(({ body }) => body.length)).toEqual([MAX_RECORD - FRAMES_HEADER - 8]);
  }
  expect(hub.mux.shared).toBe(false);
});

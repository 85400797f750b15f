import { expect, test } from "vitest";
import { decodeBatch, MAX_BATCH, Outgoing } from "../../../common/carrier/https/index.ts";
import { MAX_MESSAGE } from "../../../common/carrier/index.ts";

const KIB = 1 << 10;

/** The lengths of the messages in the next batch. */
const taken = (outgoing: Outgoing) => decodeBatch(outgoing.take()).map((message) => message.length);

function filled(...lengths: number[]): Outgoing {
  const outgoing = new Outgoing();
  for (const length of lengths) outgoing.push(Buffer.alloc(length, 1));
  return outgoing;
}

test("what waits is given out in order, as much at once as a batch may hold", () => {
  const outgoing = filled(10, 20, 16 * KIB, 30);
  expect(outgoing.bytes).toBe(60 + 16 * KIB);
  expect(taken(outgoing)).toEqual([10, 20]);
  expect(taken(outgoing)).toEqual([16 * KIB]);
  expect(outgoing.bytes).toBe(30);
  expect(taken(outgoing)).toEqual([30]);
  expect([outgoing.bytes, taken(outgoing)]).toEqual([0, []]);
});

test("the longest message has a batch to itself when batches are small", () => {
  const outgoing = filled(MAX_MESSAGE, 1);
  expect(taken(outgoing)).toEqual([MAX_MESSAGE]);
  expect(taken(outgoing)).toEqual([1]);
});

test("batches grow while full ones arrive quickly, as far as a batch may", () => {
  const outgoing = new Outgoing();
  const limits: number[] = [];
  for (let n = 0; n < 6; n++) {
    limits.push(outgoing.limit / KIB);
    outgoing.took(outgoing.limit, 249);
  }
  expect(limits).toEqual([16, 32, 64, 128, 256, 256]);
  expect(outgoing.limit).toBe(MAX_BATCH);
});

test("batches that are small, or take their time, do not make them grow", () => {
  const outgoing = new Outgoing();
  outgoing.took(8 * KIB, 1);
  outgoing.took(16 * KIB, 250);
  expect(outgoing.limit).toBe(16 * KIB);
});

test("batches that take more than a second make them smaller, down to a least", () => {
  const outgoing = new Outgoing();
  for (let n = 0; n < 4; n++) outgoing.took(MAX_BATCH, 1);
  const limits: number[] = [];
  for (let n = 0; n < 6; n++) {
    outgoing.took(100, 1_001);
    limits.push(outgoing.limit / KIB);
  }
  expect(limits).toEqual([128, 64, 32, 16, 16, 16]);
});

test("no batch is longer than what the other side takes", () => {
  const outgoing = new Outgoing();
  for (let n = 0; n < 10; n++) outgoing.took(MAX_BATCH, 1);
  for (let n = 0; n < 400; n++) outgoing.push(Buffer.alloc(1 + ((n * 7_919) % MAX_MESSAGE), 1));
  while (outgoing.bytes > 0) expect(outgoing.take().length).toBeLessThanOrEqual(MAX_BATCH);
});

test("what is cleared is gone", () => {
  const outgoing = filled(10, 20);
  outgoing.clear();
  expect([outgoing.bytes, taken(outgoing)]).toEqual([0, []]);
});

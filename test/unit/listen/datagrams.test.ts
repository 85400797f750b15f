import { expect, test } from "vitest";
import { BULK } from "../../../common/mux/index.ts";
import { settle } from "../mux/rig.ts";
import { datagrams } from "./rig.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** Lets what is under way arrive, as far as it does. */
async function rest(): Promise<void> {
  for (let i = 0; i < 100; i++) await settle();
}

test("all go over one stream, opened with the first of them, behind everything that is interactive", async () => {
  const { take, its, opens, line } = datagrams();
  expect(opens).toEqual([]);
  take("one");
  await settle();
  take("", "three");
  await settle();
  expect(opens).toEqual([{ name: "syslog", priority: BULK }]);
  expect(its.datagrams).toEqual([["one", "", "three"]]);
  expect(line.count).toEqual({ sent: 3, waiting: 0, dropped: 0, refused: 0 });
});

test("when the line does not take them the oldest that wait are dropped; what was sent arrives in order", async () => {
  const { take, its, line, said } = datagrams({ datagrams: 10, bytes: 1 << 20 });
  its.taking = false;
  const all = Array.from({ length: 300 }, (_, n) => `${n}`.padEnd(8 << 10, "."));
  for (const text of all) {
    take(text);
    await settle();
  }
  await rest();
  const { sent, waiting, dropped } = line.count;
  // no more than the credit of a stream, and what the stream holds itself, left this queue
  expect(sent).toBeLessThanOrEqual(70);
  expect([waiting, sent + waiting + dropped]).toEqual([10, 300]);
  expect(said()).toEqual(["syslog: the way to the hub does not take all datagrams"]);
  its.taking = true;
  const tap = its.accepted[0]!;
  // what had come before is taken now: read from the chunks, as the tap kept them
  tap.stream.consumed(tap.bytes);
  await rest();
  const text = tap.text;
  expect(line.count).toEqual({ sent: sent + 10, waiting: 0, dropped, refused: 0 });
  const numbers = [...text.matchAll(/(\d+)\.{3,}/g)].map((match) => Number(match[1]));
  expect(numbers).toEqual([...Array(sent).keys(), ...Array.from({ length: 10 }, (_, n) => 290 + n)]);
});

test("without a way to the hub they wait, and go when there is one, though no other comes", async () => {
  const { take, its, clock, opens, line } = datagrams({ datagrams: 2, bytes: 1 << 20 });
  its.connected = false;
  take("one", "two", "three");
  await settle();
  expect(line.count).toEqual({ sent: 0, waiting: 2, dropped: 1, refused: 0 });
  // not asked for each of them
  expect(opens).toHaveLength(1);
  clock.advance(SECOND);
  expect(opens).toHaveLength(2);
  its.connected = true;
  clock.advance(SECOND);
  await settle();
  expect(its.datagrams).toEqual([["two", "three"]]);
});

test("after a session was lost a new stream is opened", async () => {
  const { take, its, clock, pair, line } = datagrams();
  take("before");
  await settle();
  // as the mux says it of every stream when its session ends
  pair.hub.accepted[0]?.stream.reset("cancelled");
  await settle();
  take("after");
  await settle();
  expect(its.datagrams).toEqual([["before"]]);
  clock.advance(SECOND);
  await settle();
  expect(its.datagrams).toEqual([["before"], ["after"]]);
  expect(line.count).toMatchObject({ sent: 2, waiting: 0 });
});

test("a line that the hub does not allow is left alone for a minute, and what comes meanwhile is counted", async () => {
  const { take, its, clock, opens, line, said } = datagrams();
  its.refusal = "serviceRefused";
  take("one");
  await settle();
  take("two", "three");
  clock.advance(MINUTE - 1);
  await settle();
  expect([opens.length, line.count]).toEqual([1, { sent: 1, waiting: 0, dropped: 0, refused: 2 }]);
  expect(said()).toEqual(["syslog: the hub does not allow this line for this site"]);
  its.refusal = undefined;
  clock.advance(1);
  take("four");
  await settle();
  expect(its.datagrams).toEqual([["four"]]);
});

test("a line whose target cannot be reached is tried again each second, not for each datagram", async () => {
  const { take, its, clock, opens } = datagrams();
  its.refusal = "targetUnreachable";
  for (let i = 0; i < 50; i++) {
    take(`${i}`);
    await settle();
  }
  expect(opens).toHaveLength(1);
  clock.advance(SECOND);
  await settle();
  expect(opens).toHaveLength(2);
});

test("nothing that the hub sends back on it matters", async () => {
  const { take, its, pair, line } = datagrams();
  take("one");
  await settle();
  pair.hub.accepted[0]?.stream.write(Buffer.alloc(1 << 20));
  await rest();
  take("two");
  await settle();
  expect(its.datagrams).toEqual([["one", "two"]]);
  pair.hub.accepted[0]?.stream.end();
  await settle();
  expect(its.accepted[0]?.resetBy).toBe("cancelled");
  expect(line.count.sent).toBe(2);
});

test("when it stops, its stream and its timer go", async () => {
  const { take, its, clock, line } = datagrams();
  take("one");
  await settle();
  line.stop();
  await settle();
  expect([its.accepted[0]?.resetBy, clock.pending]).toEqual(["cancelled", 0]);
});

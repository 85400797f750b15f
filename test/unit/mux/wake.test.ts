import { expect, test } from "vitest";
import { FakeClock } from "../../../common/clock.ts";
import { BULK } from "../../../common/mux/frame.ts";
import { credit, fin, Lone } from "./rig.ts";

test("an OPEN waits a turn, so that the request that is about to be read shares its record", () => {
  const hub = new Lone();
  const tap = hub.open();
  expect(hub.wakes).toEqual(["next"]);
  tap.stream.write(Buffer.from("GET hosts\n\n"));
  expect(hub.flush()).toEqual([["OPEN 2 +11", "DATA 2 +11"]]);
});

test("a short exchange that is alone does not wait for the end of the turn", () => {
  const hub = new Lone();
  const tap = hub.open();
  hub.flush();
  for (let i = 0; i < 3; i++) {
    tap.stream.write(Buffer.from("ping"));
    hub.flush();
  }
  expect(hub.wakes).toEqual(["next", "turn", "now", "now"]);
});

test("streams that are busy side by side wait for the end of the turn, and share records", () => {
  const hub = new Lone();
  const [one, other] = [hub.open(), hub.open()];
  hub.flush();
  for (let i = 0; i < 2; i++) {
    one.stream.write(Buffer.from("ping"));
    other.stream.write(Buffer.from("ping"));
    expect(hub.flush()).toEqual([["DATA 2 +4", "DATA 4 +4"]]);
  }
  expect(hub.wakes.slice(2)).toEqual(["turn", "turn", "turn", "turn"]);
});

test("much data waits for the end of the turn, alone or not", () => {
  const hub = new Lone();
  const tap = hub.open("http", BULK);
  hub.flush();
  for (let i = 0; i < 3; i++) {
    tap.stream.write(Buffer.alloc(20_000));
    hub.flush();
    hub.feed(credit(2, 20_000));
  }
  expect(hub.wakes.slice(1)).toEqual(["turn", "turn", "turn"]);
});

test("a stream that is gone is not taken for the one before the next", () => {
  const hub = new Lone();
  const tap = hub.open();
  hub.flush();
  tap.stream.write(Buffer.from("ping"));
  tap.stream.reset("cancelled");
  hub.flush();
  const next = hub.open();
  hub.flush();
  next.stream.write(Buffer.from("ping"));
  expect(hub.wakes.at(-1)).toBe("turn");
});

test("an end that nobody waits for goes with the next record, or alone after a moment", () => {
  const clock = new FakeClock();
  const hub = new Lone({ clock });
  const [one, other] = [hub.open(), hub.open()];
  hub.flush();
  hub.feed(fin(2, "answer"), fin(4, "answer"));
  const before = hub.wakes.length;
  one.stream.end(false);
  other.stream.end(false);
  expect(hub.wakes).toHaveLength(before);
  const next = hub.open();
  next.stream.write(Buffer.from("GET hosts\n\n"));
  expect(hub.flush()).toEqual([["OPEN 6 +11", "DATA 2 +0 fin", "DATA 4 +0 fin", "DATA 6 +11"]]);
  clock.advance(5);
  hub.feed(fin(6, "answer"));
  const waiting = hub.wakes.length;
  next.stream.end(false);
  clock.advance(4);
  expect(hub.wakes).toHaveLength(waiting);
  clock.advance(1);
  expect(hub.wakes.slice(waiting)).toEqual(["turn"]);
  expect(hub.flush()).toEqual([["DATA 6 +0 fin"]]);
  expect(hub.mux.streams).toBe(0);
});

test("an end does not wait when there is data before it", () => {
  const hub = new Lone();
  const tap = hub.open();
  hub.flush();
  const before = hub.wakes.length;
  tap.stream.write(Buffer.from("more"));
  tap.stream.end(false);
  expect(hub.wakes.slice(before)).toEqual(["turn"]);
  expect(hub.flush()).toEqual([["DATA 2 +4 fin"]]);
});

import { expect, test } from "vitest";
import { BULK } from "../../../common/mux/frame.ts";
import { credit, Lone } from "./rig.ts";

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

import { expect, test } from "vitest";
import { fin, Lone, open } from "./rig.ts";

test("an abort still delivers what was written, then resets without a clean end", () => {
  const hub = new Lone();
  hub.feed(open(1));
  hub.accepted[0]?.stream.write(Buffer.from("the answer so far"));
  hub.accepted[0]?.stream.abort("cancelled");
  expect(hub.flush()).toEqual([["DATA 1 +17"], ["RESET 1 1"]]);
  expect(hub.mux.streams).toBe(0);
});

test("an abort with nothing to deliver is a reset at once", () => {
  const hub = new Lone();
  hub.feed(open(1));
  hub.accepted[0]?.stream.abort("internal");
  expect(hub.flush()).toEqual([["RESET 1 7"]]);
});

test("an abort waits for credit, and a reset from the other side ends the wait", () => {
  const hub = new Lone();
  hub.feed(open(1));
  const stream = hub.accepted[0]?.stream;
  stream?.write(Buffer.alloc(300 << 10));
  stream?.abort("cancelled");
  const sent = hub.flush().flat();
  expect(sent.every((frame) => frame.startsWith("DATA 1"))).toBe(true);
  expect(hub.mux.streams).toBe(1);
  stream?.reset("cancelled");
  expect(hub.flush()).toEqual([["RESET 1 1"]]);
  expect(hub.mux.streams).toBe(0);
});

test("after an end an abort is the reset that follows the last byte", () => {
  const hub = new Lone();
  hub.feed(open(1));
  const stream = hub.accepted[0]?.stream;
  stream?.write(Buffer.from("all"));
  stream?.end();
  stream?.abort("cancelled");
  expect(hub.flush()).toEqual([["DATA 1 +3 fin"], ["RESET 1 1"]]);
  hub.feed(fin(1));
  expect(hub.mux.streams).toBe(0);
});

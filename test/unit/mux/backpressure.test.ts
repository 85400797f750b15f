import { expect, test } from "vitest";
import { INITIAL_CREDIT } from "../../../common/mux/frame.ts";
import { credit, Lone, muxPair, reset, settle } from "./rig.ts";

const HIGH_WATER = 256 << 10;

test("write asks for a pause once 256 KiB wait, and drain comes once when half of it has gone", () => {
  const hub = new Lone();
  const tap = hub.open();
  expect(tap.stream.write(Buffer.alloc(HIGH_WATER - 1))).toBe(true);
  expect(tap.stream.write(Buffer.alloc(1))).toBe(false);
  expect(tap.stream.write(Buffer.alloc(1))).toBe(false);
  const gone: number[] = [];
  for (let sent = 0, frames = hub.next(); frames.length > 0; frames = hub.next()) {
    for (const frame of frames) if (frame.type === 2) sent += frame.body.length;
    if (tap.drains > gone.length) gone.push(sent);
  }
  expect(tap.drains).toBe(1);
  expect(gone[0]).toBeGreaterThan(HIGH_WATER / 2);
  expect(gone[0]).toBeLessThan(HIGH_WATER / 2 + 65_536);
});

test("a writer that was never asked to pause gets no drain", () => {
  const hub = new Lone();
  const tap = hub.open();
  for (let i = 0; i < 10; i++) {
    expect(tap.stream.write(Buffer.alloc(20_000))).toBe(true);
    hub.flush();
    hub.feed(credit(2, 20_000));
  }
  expect(tap.drains).toBe(0);
});

test("a paused writer on a stream without credit is asked for more when credit comes", () => {
  const hub = new Lone();
  const tap = hub.open();
  for (let sent = 0; sent < INITIAL_CREDIT; sent += HIGH_WATER / 4) {
    tap.stream.write(Buffer.alloc(HIGH_WATER / 4));
    hub.flush();
  }
  expect(tap.stream.write(Buffer.alloc(HIGH_WATER))).toBe(false);
  hub.flush();
  expect(tap.drains).toBe(0);
  hub.feed(credit(2, HIGH_WATER));
  hub.flush();
  expect(tap.drains).toBe(1);
});

test("an empty write says whether the stream is paused, like any other", () => {
  const hub = new Lone();
  const tap = hub.open();
  tap.stream.write(Buffer.alloc(HIGH_WATER));
  expect(tap.stream.write(Buffer.alloc(0))).toBe(false);
});

test("no drain comes on a stream that was reset, ended or paused before it", () => {
  const hub = new Lone();
  const tap = hub.open();
  hub.flush();
  tap.stream.write(Buffer.alloc(HIGH_WATER));
  tap.stream.end();
  hub.feed(reset(2, 1));
  expect(hub.flush()).toEqual([]);
  expect([tap.resetBy, tap.drains]).toEqual(["cancelled", 0]);
});

test("no drain comes on a stream given up by another's drain in the same record", () => {
  const hub = new Lone();
  const [one, other] = [hub.open(), hub.open()];
  for (const tap of [one, other]) tap.stream.write(Buffer.alloc(HIGH_WATER));
  one.on = { drain: () => other.stream.reset("cancelled") };
  other.on = { drain: () => one.stream.reset("cancelled") };
  hub.flush();
  expect(one.drains + other.drains).toBe(1);
});

test("a stalled carrier pauses the writer; memory stays at what one stream may hold", async () => {
  const { agent, hub, over } = muxPair({ limits: { unsentBytes: 128 << 10 } });
  over.hub.stalled = true;
  const tap = hub.open();
  let written = 0;
  const more = () => {
    while (written < 8 << 20) {
      written += 32 << 10;
      if (!tap.stream.write(Buffer.alloc(32 << 10))) return;
    }
  };
  tap.on = { drain: more };
  more();
  await settle();
  expect(written).toBeLessThanOrEqual(HIGH_WATER + (128 << 10) + (96 << 10));
  over.hub.resume();
  await settle();
  expect([written, agent.accepted[0]?.bytes]).toEqual([8 << 20, 8 << 20]);
});

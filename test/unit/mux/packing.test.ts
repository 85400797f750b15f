import { expect, test, vi } from "vitest";
import { INTERACTIVE, PACKED } from "../../../common/mux/frame.ts";
import { MAX_RECORD } from "../../../common/session/record.ts";
import { Dice, framesOf, Lone, type Tap } from "./rig.ts";

const TEXT = Buffer.from('["web01","OK - 23.4 ms"],'.repeat(40));
const NOISE = new Dice(1).bytes(1_000);

/** Sends `bytes` over a stream of its own and says whether they went packed. */
function sent(hub: Lone, bytes: Buffer, service = "livestatus"): boolean {
  const tap: Tap = hub.open(service, INTERACTIVE, true, true);
  tap.stream.write(bytes);
  const record = hub.mux.pull(2, MAX_RECORD);
  if (!record) throw new Error("nothing was sent");
  const data = framesOf(record).at(-1);
  return data !== undefined && (data.flags & PACKED) !== 0;
}

test("what a service's streams carry is learned for all of them: no stream tries in vain again", () => {
  const hub = new Lone();
  const compress = vi.spyOn(Bun, "zstdCompressSync");
  try {
    for (let i = 0; i < 100; i++) expect(sent(hub, NOISE)).toBe(false);
    expect(compress.mock.calls.length).toBeLessThan(10);
  } finally {
    compress.mockRestore();
  }
});

test("text that follows is packed again after a while, and then every time", () => {
  const hub = new Lone();
  for (let i = 0; i < 100; i++) sent(hub, NOISE);
  const packed = Array.from({ length: 100 }, () => sent(hub, TEXT));
  expect(packed.at(-1)).toBe(true);
  const first = packed.indexOf(true);
  expect(packed.slice(first)).not.toContain(false);
});

test("another service has learned nothing from it", () => {
  const hub = new Lone();
  for (let i = 0; i < 100; i++) sent(hub, NOISE);
  expect(sent(hub, TEXT, "ec")).toBe(true);
});

test("an agent that makes up services cannot make the hub remember them all", () => {
  const hub = new Lone();
  for (let i = 0; i < 200; i++) expect(sent(hub, TEXT, `s${i}`)).toBe(true);
});

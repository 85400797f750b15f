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

/** Rows as a core gives them: `words` says how many different ones there are. */
function rows(bytes: number, words: number): Buffer {
  const dice = new Dice(7);
  let text = "";
  while (text.length < bytes)
    text += `["host${dice.upTo(words)}","Interface ${dice.upTo(words)}",${dice.upTo(words)}],`;
  return Buffer.from(text.slice(0, bytes));
}

/** The bodies in which a lone stream sends `bytes`, over a line whose records should hold `most`. */
function bodies(hub: Lone, bytes: Buffer, most: number): { packed: boolean; bytes: number }[] {
  const tap = hub.open("livestatus", INTERACTIVE, true, true);
  hub.flush();
  tap.stream.write(bytes);
  const sent: { packed: boolean; bytes: number }[] = [];
  for (let record = hub.mux.pull(2, most); record; record = hub.mux.pull(2, most)) {
    for (const { flags, body } of framesOf(record))
      sent.push({ packed: (flags & PACKED) !== 0, bytes: body.length });
  }
  return sent;
}

test("on a thin line, too, text goes in long pieces, which pack better, and harder than on a fast one", () => {
  const text = rows(200_000, 1_000);
  const sent = bodies(new Lone(), text, 4_096);
  expect(sent).toEqual([{ packed: true, bytes: expect.any(Number) }]);
  expect(sent[0]?.bytes).toBeLessThan(bodies(new Lone(), text, MAX_RECORD)[0]!.bytes);
});

test("text that packs worse than what came before it is packed all the same", () => {
  const hub = new Lone();
  for (let i = 0; i < 5; i++) bodies(hub, TEXT, MAX_RECORD);
  const sent = bodies(hub, rows(250_000, 1e9), MAX_RECORD);
  expect(sent.length).toBeGreaterThan(1);
  expect(sent.every(({ packed }) => packed)).toBe(true);
});

test("no packed body is longer than what others may have to wait for", () => {
  const sent = bodies(new Lone(), rows(250_000, 1e9), 4_096);
  expect(Math.max(...sent.map(({ bytes }) => bytes))).toBeLessThanOrEqual(48 << 10);
});

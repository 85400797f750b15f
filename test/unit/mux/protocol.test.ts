import { expect, test } from "vitest";
import { FarsiteError } from "../../../common/errors.ts";
import { MAX_CONTROL } from "../../../common/mux/frame.ts";
import { control, credit, data, fin, Lone, open, raw, reset } from "./rig.ts";

/** What a hub refuses that has opened stream 2 and accepted streams 1 and 5, of which 5 has ended its side. */
const refused: [string, Buffer][] = [
  ["OPEN of a stream number that is the hub's own to give", open(4)],
  ["OPEN of stream 0", open(0)],
  ["OPEN of a stream that is open", open(1)],
  ["OPEN of a stream number below one that was used", open(3)],
  ["OPEN with an unknown priority", open(7, "livestatus", 3)],
  ["OPEN with no body", raw(1, 0, 7, Buffer.alloc(0))],
  ["OPEN with no name", open(7, "")],
  ["OPEN with a name that begins with a digit", open(7, "4live")],
  ["OPEN with capitals in its name", open(7, "Livestatus")],
  ["OPEN with a path for a name", open(7, "../etc")],
  ["OPEN with a zero byte in its name", open(7, "live\0status")],
  ["OPEN with a line end behind its name", open(7, "livestatus\n")],
  ["OPEN with a name not in ASCII", open(7, "l\u00efvestatus")],
  ["OPEN with a name of 33 bytes", open(7, "a".repeat(33))],
  ["OPEN with a very long name", open(7, "a".repeat(60_000))],
  ["DATA after FIN", data(5, "x")],
  ["a second FIN", fin(5)],
  ["empty DATA after FIN", data(5, "")],
  ["DATA on a stream that was never opened by the agent", data(7, "x")],
  ["DATA on a stream that was never opened by the hub", data(4, "x")],
  ["DATA on stream 0", data(0, "x")],
  ["CREDIT on a stream that was never opened", credit(7, 1)],
  ["CREDIT on stream 0", credit(0, 1)],
  ["CREDIT too short", raw(3, 0, 1, Buffer.alloc(3))],
  ["CREDIT too long", raw(3, 0, 1, Buffer.alloc(5))],
  ["RESET on a stream that was never opened", reset(7, 1)],
  ["RESET on stream 0", reset(0, 1)],
  ["RESET too short", raw(4, 0, 1, Buffer.alloc(1))],
  ["RESET too long", raw(4, 0, 1, Buffer.alloc(3))],
  ["CONTROL on a stream", raw(5, 0, 1, Buffer.from("x"))],
  ["CONTROL that is too long", control(Buffer.alloc(MAX_CONTROL + 1))],
  ["type 0", raw(0, 0, 1, Buffer.alloc(0))],
  ["an unknown type", raw(6, 0, 1, Buffer.from("x"))],
  ["the last unknown type", raw(255, 0, 0, Buffer.alloc(0))],
  ["unknown flags on DATA", raw(2, 4, 1, Buffer.from("x"))],
  ["the last unknown flag on DATA", raw(2, 128, 1, Buffer.from("x"))],
  ["FIN with unknown flags beside it", raw(2, 5, 1, Buffer.from("x"))],
  ["packed DATA on a stream that was not opened for it", raw(2, 2, 1, Bun.zstdCompressSync("x"))],
  ["packed DATA with FIN on a stream that was not opened for it", raw(2, 3, 1, Bun.zstdCompressSync("x"))],
  ["unknown flags on OPEN", raw(1, 4, 7, Buffer.from("\x01livestatus"))],
  ["PACKED with FIN on OPEN", raw(1, 3, 7, Buffer.from("\x01livestatus"))],
  ["PACKED on CREDIT", raw(3, 2, 1, Buffer.alloc(4))],
  ["PACKED on RESET", raw(4, 2, 1, Buffer.alloc(2))],
  ["PACKED on CONTROL", raw(5, 2, 0, Buffer.from("x"))],
  ["FIN on OPEN", raw(1, 1, 7, Buffer.from("\x01livestatus"))],
  ["FIN on CREDIT", raw(3, 1, 1, Buffer.alloc(4))],
  ["FIN on RESET", raw(4, 1, 1, Buffer.alloc(2))],
  ["FIN on CONTROL", raw(5, 1, 0, Buffer.from("x"))],
  ["a header cut short", Buffer.of(2, 0, 0, 1, 0, 0, 0)],
  ["a header of one byte", Buffer.of(2)],
  ["a body cut short", raw(2, 0, 1, Buffer.from("x"), 2)],
  ["a body that is not there", raw(2, 0, 1, Buffer.alloc(0), 65_535)],
];

function hubInUse(): Lone {
  const hub = new Lone();
  hub.open();
  hub.feed(open(1), open(5), fin(5));
  hub.flush();
  return hub;
}

for (const [what, frame] of refused) {
  test(`${what} breaks the protocol, and what stood before it in the record has been delivered`, () => {
    const hub = hubInUse();
    expect(() => hub.feed(data(1, "before"), frame)).toThrow(FarsiteError);
    expect(hub.accepted[0]?.text).toBe("before");
    const again = hubInUse();
    expect(() => again.feed(frame)).toThrow(expect.objectContaining({ code: "E_PROTOCOL" }));
    expect(again.accepted).toHaveLength(2);
  });
}

test("the agent refuses what the hub may not open", () => {
  for (const id of [0, 1, 3]) {
    const agent = new Lone({ side: "agent" });
    expect(() => agent.feed(open(id)), `stream ${id}`).toThrow(FarsiteError);
  }
  const agent = new Lone({ side: "agent" });
  agent.feed(open(2), open(4), open(100));
  expect(agent.accepted).toHaveLength(3);
  expect(() => agent.feed(open(98))).toThrow(FarsiteError);
});

test("before anything was opened no stream is known", () => {
  for (const side of ["agent", "hub"] as const) {
    for (const id of [0, 1, 2, 0xffff_ffff]) {
      const lone = new Lone({ side });
      expect(() => lone.feed(data(id, "x")), `${side}, stream ${id}`).toThrow(FarsiteError);
    }
  }
});

test("names of one to 32 lower-case letters, digits and hyphens are accepted, with each priority", () => {
  const hub = new Lone();
  const names = ["a", "ec", "cmk-agent", "x9-", "a".repeat(32)];
  for (const [i, name] of names.entries()) hub.feed(open(2 * i + 1, name, i % 3));
  expect(hub.accepted.map((tap) => tap.stream.service)).toEqual(names);
});

test("a record without frames is nothing", () => {
  const hub = new Lone();
  hub.feed();
  expect(hub.flush()).toEqual([]);
});

import { expect, test } from "vitest";
import { z } from "zod";
import { FarsiteError } from "../../common/errors.ts";
import { pack, unpack } from "../../common/msgpack.ts";
import { checkPlain } from "../../common/msgpack-plain.ts";
import { Dice } from "./session/rig.ts";

const anything = z.unknown();

function read(bytes: Uint8Array): unknown {
  return unpack(anything, bytes, "it");
}

/** `refused` for an E_PROTOCOL; whatever else is thrown, as text. */
function outcome(bytes: Uint8Array): unknown {
  try {
    return read(bytes);
  } catch (error) {
    return error instanceof FarsiteError && error.code === "E_PROTOCOL" ? "refused" : String(error);
  }
}

/** A type byte and its length or number, big-endian. */
function head(type: number, width: number, value: number): Buffer {
  const bytes = Buffer.alloc(1 + width);
  bytes[0] = type;
  bytes.writeUIntBE(value, 1, width);
  return bytes;
}

test.each([
  ["nil", null],
  ["booleans", [true, false]],
  ["small and large integers", [0, 127, 128, 65_535, 65_536, 2 ** 32 - 1, -1, -32, -33, -(2 ** 31)]],
  ["a time in ms and a fraction", [1_790_000_000_000, 0.25, -1e300]],
  [
    "text of every length class",
    ["", "a".repeat(31), "b".repeat(200), "c".repeat(300), "d".repeat(70_000), "\u00e9\u{1f600}"],
  ],
  [
    "maps and arrays of every length class",
    [{ a: { b: {} } }, Array(15).fill(1), Array(16).fill(1), Array(70_000).fill(1)],
  ],
  ["a map of many keys", Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`key${i}`, i]))],
])("%s come back as they were", (_, value) => {
  expect(read(pack(value))).toEqual(value);
});

test("bytes come back as bytes, of every length class", () => {
  for (const length of [0, 1, 255, 256, 65_535, 65_536]) {
    expect(read(pack(Buffer.alloc(length, 7)))).toEqual(Buffer.alloc(length, 7));
  }
});

test("what was packed stays as it is when more is packed", () => {
  const first = pack(["first", 1]);
  const copy = Buffer.from(first);
  for (let i = 0; i < 1_000; i++) pack({ number: i });
  expect(first).toEqual(copy);
});

test("a 64-bit integer that another implementation wrote is a number", () => {
  const schema = z.object({ time: z.number() });
  const map = Buffer.concat([Buffer.from([0x81, 0xa4]), Buffer.from("time")]);
  const time = 1_790_000_000_000;
  for (const type of [0xcf, 0xd3]) {
    const number = Buffer.alloc(9);
    number[0] = type;
    number.writeBigUInt64BE(BigInt(time), 1);
    expect(unpack(schema, Buffer.concat([map, number]), "it")).toEqual({ time });
  }
});

test("what is not as the schema says is named, and its value is not", () => {
  const schema = z.object({ agent: z.string(), inner: z.object({ count: z.int() }) });
  expect(() => unpack(schema, pack({ agent: 1, inner: { count: "secret" } }), "the hello")).toThrow(
    expect.objectContaining({
      code: "E_PROTOCOL",
      message: "the hello is not as agreed: agent, inner.count",
    }),
  );
  expect(() => unpack(schema, pack(7), "the hello")).toThrow("the hello is not as agreed: the whole");
});

test.each([
  ["an array of 2^31 - 1", head(0xdd, 4, 0x7fff_ffff)],
  ["an array of 2^32 - 1", head(0xdd, 4, 0xffff_ffff)],
  ["an array of 65,535", head(0xdc, 2, 0xffff)],
  ["a map of 2^31 - 1", head(0xdf, 4, 0x7fff_ffff)],
  ["a map of 2^32 - 1", head(0xdf, 4, 0xffff_ffff)],
  ["a text of 2^32 - 1 bytes", head(0xdb, 4, 0xffff_ffff)],
  ["a text of 255 bytes", head(0xd9, 1, 0xff)],
  ["bytes of 2^32 - 1", head(0xc6, 4, 0xffff_ffff)],
  ["an extension of 2^32 - 1 bytes", head(0xc9, 4, 0xffff_ffff)],
])("%s that are announced and not sent are refused", (_, bytes) => {
  expect(outcome(bytes)).toBe("refused");
  expect(outcome(Buffer.concat([bytes, Buffer.from([1, 2, 3])]))).toBe("refused");
});

test("arrays within arrays that each announce what does not come are refused before any is made", () => {
  const nested = Buffer.concat(Array.from({ length: 12 }, () => head(0xdd, 4, 9_999_999)));
  expect(() => checkPlain(nested)).toThrow("more values are announced than were sent");
  expect(outcome(nested)).toBe("refused");
});

test.each([
  ["arrays", 0x91],
  ["maps", 0x81],
])("%s nested 65,519 deep are refused", (_, type) => {
  expect(outcome(Buffer.alloc(65_519, type))).toBe("refused");
});

test("nesting is read down to its limit and not beyond", () => {
  const nested = (depth: number) => Buffer.concat([Buffer.alloc(depth, 0x91), Buffer.from([0x01])]);
  expect(outcome(nested(15))).toEqual(JSON.parse(`${"[".repeat(15)}1${"]".repeat(15)}`));
  expect(outcome(nested(16))).toBe("refused");
});

test("every extension type is refused, in every form", () => {
  for (let type = 0; type < 256; type++) {
    const filler = Buffer.from([0x93, 1, 2, 3, 0xa1, 0x61, 0x90, 0x01]);
    for (const [format, length] of [
      [0xd4, 1],
      [0xd5, 2],
      [0xd6, 4],
      [0xd7, 8],
      [0xd8, 16],
    ] as const) {
      const body = Buffer.alloc(length, filler);
      expect([type, outcome(Buffer.concat([Buffer.from([format, type]), body]))]).toEqual([type, "refused"]);
      expect([type, outcome(Buffer.concat([Buffer.from([format, type]), body, filler]))]).toEqual([
        type,
        "refused",
      ]);
    }
    expect(outcome(Buffer.concat([Buffer.from([0xc7, 4, type]), filler.subarray(0, 4)]))).toBe("refused");
  }
});

test("references that make a small message mean a huge value are refused, not followed", () => {
  const id = (n: number) => head(0xd6, 5, 0x69_0000_0000 + n);
  const reference = (n: number) => head(0xd6, 5, 0x70_0000_0000 + n);
  // each array holds the one before it twice, and the library writes them all out for its error
  const laughs = (levels: number) => {
    const parts = [head(0xdc, 2, levels), id(0), Buffer.from([0x90])];
    for (let n = 1; n < levels; n++)
      parts.push(id(n), Buffer.from([0x92]), reference(n - 1), reference(n - 1));
    return Buffer.concat([...parts, Buffer.from([0xc0])]);
  };
  expect(() => checkPlain(laughs(200))).toThrow("an extension type");
  expect(outcome(laughs(5))).toBe("refused");
});

test("a record layout that one message defines is not there for the next", () => {
  const layout = Buffer.from([0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61, 0x01]);
  expect(outcome(layout)).toBe("refused");
  expect(outcome(Buffer.from([0x40]))).toBe(0x40);
});

test("keys that mean something to JavaScript reach no prototype", () => {
  for (const key of ["__proto__", "constructor", "prototype", "toString"]) {
    const value = read(pack(new Map([[key, { polluted: true }]])));
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(outcome(pack(new Map([[key, new Map([["polluted", true]])]])))).not.toBe("refused");
  }
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});

test.each([
  ["nothing", Buffer.alloc(0)],
  ["two values", Buffer.from([1, 2])],
  ["the type that is never used", Buffer.from([0xc1])],
  ["a map with a missing value", Buffer.from([0x82, 0xa1, 0x61, 0x01, 0xa1, 0x62])],
  ["a number cut short", Buffer.from([0xcb, 0, 0, 0])],
  ["a map whose key is an array", Buffer.from([0x81, 0x91, 0x01, 0x01])],
])("%s is refused", (_, bytes) => {
  expect(outcome(bytes)).toBe("refused");
});

test("junk is refused or read, and nothing else happens", () => {
  const dice = new Dice(7);
  let refused = 0;
  for (let i = 0; i < 20_000; i++) {
    const bytes = dice.bytes(1 + dice.upTo(40));
    const result = outcome(bytes);
    if (result === "refused") refused++;
    else expect(typeof result === "string" && result.includes("Error")).toBe(false);
  }
  expect(refused).toBeGreaterThan(10_000);
});

test("a good message with any one byte changed is refused or read as something else", () => {
  const good = pack({
    agent: "0.1.0",
    time: 1_790_000_000_000,
    host: "db1",
    token: Buffer.alloc(8),
    names: ["a", "b"],
  });
  for (let at = 0; at < good.length; at++) {
    for (let value = 0; value < 256; value++) {
      const changed = Buffer.from(good);
      changed[at] = value;
      const result = outcome(changed);
      expect(typeof result === "string" && result.includes("Error")).toBe(false);
    }
  }
});

import { expect, test } from "vitest";
import { FarsiteError } from "../../../common/errors.ts";
import * as wire from "../../../common/session/record.ts";

test("an ACK is its kind and a 48-bit big-endian count", () => {
  expect(wire.encodeAck(0x0102_0304_0506)).toEqual(Buffer.of(1, 1, 2, 3, 4, 5, 6));
  for (const count of [0, 1, 0xffff_ffff, 0xffff_ffff_ffff]) {
    expect(wire.readAck(wire.encodeAck(count))).toBe(count);
  }
});

test("PING and PONG are their kind and a 32-bit big-endian number, which may wrap", () => {
  expect(wire.encodePing(wire.PING, 0x0102_0304)).toEqual(Buffer.of(2, 1, 2, 3, 4));
  expect(wire.encodePing(wire.PONG, 0x1_0000_0005)).toEqual(Buffer.of(3, 0, 0, 0, 5));
  expect(wire.decodePing(wire.encodePing(wire.PING, 0xffff_ffff))).toBe(0xffff_ffff);
});

test("an END carries code and message", () => {
  const record = wire.encodeEnd(new FarsiteError("E_KEY_REVOKED", "key of acme/berlin replaced"));
  expect(`${record}`).toBe("\x06E_KEY_REVOKED key of acme/berlin replaced");
  const decoded = wire.decodeEnd(record);
  expect([decoded.code, decoded.message]).toEqual(["E_KEY_REVOKED", "key of acme/berlin replaced"]);
});

test("a long END is cut to what the other side takes", () => {
  const record = wire.encodeEnd(new FarsiteError("E_LIMIT", "ü".repeat(1_000)));
  expect(record.length).toBeLessThanOrEqual(513);
  expect(wire.decodeEnd(record).message).toMatch(/^ü{200,}/);
});

test("an END with a code that is not known here, or with nothing at all, still says why", () => {
  const unknown = wire.decodeEnd(Buffer.from("\x06E_FROM_THE_FUTURE of no use"));
  expect([unknown.code, unknown.message]).toEqual(["E_SESSION_LOST", "of no use"]);
  const empty = wire.decodeEnd(Buffer.of(6));
  expect([empty.code, empty.message]).toEqual(["E_SESSION_LOST", "the other side ended the session"]);
  expect(wire.decodeEnd(Buffer.from("\x06__proto__ x")).code).toBe("E_SESSION_LOST");
});

test("an END cannot smuggle control characters into a log", () => {
  expect(wire.decodeEnd(Buffer.from("\x06E_LIMIT a\nb\x1b[2Jc")).message).toBe("a?b?[2Jc");
});

test("a FRAMES record begins with its kind and a 48-bit count of what its sender has", () => {
  const record = Buffer.alloc(wire.FRAMES_HEADER + 2);
  wire.writeAck(record, 0x0102_0304_0506);
  expect(record).toEqual(Buffer.of(0, 1, 2, 3, 4, 5, 6, 0, 0));
  expect(wire.readAck(record)).toBe(0x0102_0304_0506);
  for (const count of [0, 1, 0xffff_ffff, 0xffff_ffff_ffff]) {
    wire.writeAck(record, count);
    expect(wire.readAck(record)).toBe(count);
  }
});

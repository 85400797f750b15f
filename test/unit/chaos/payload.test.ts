import { expect, test } from "vitest";
import { PayloadFinder } from "../../chaos/line/payload.ts";
import { SeededBytes } from "../../e2e/fuzz.ts";

const HEAD = Buffer.from("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n");
const BINARY = 0x82;
const PING = 0x89;

/** A frame as RFC 6455 has it; its payload is all `fill`, and nothing else of it is. */
function frame(opcode: number, length: number, masked: boolean, fill: number): Buffer {
  const mask = masked ? Buffer.from([1, 2, 3, 4]) : Buffer.alloc(0);
  const bit = masked ? 0x80 : 0;
  let header = Buffer.from([opcode, bit | length]);
  if (length > 0xffff) {
    header = Buffer.alloc(10, 0);
    header.set([opcode, bit | 127]);
    header.writeBigUInt64BE(BigInt(length), 2);
  } else if (length > 125) {
    header = Buffer.from([opcode, bit | 126, length >> 8, length & 0xff]);
  }
  return Buffer.concat([header, mask, Buffer.alloc(length, fill)]);
}

/** What the finder takes for payload of messages when the bytes come in pieces. */
function found(bytes: Buffer, pieces: (left: number) => number): Buffer {
  const finder = new PayloadFinder();
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const chunk = bytes.subarray(at, at + pieces(bytes.length - at));
    for (const [from, to] of finder.scan(chunk)) parts.push(chunk.subarray(from, to));
    at += chunk.length;
  }
  return Buffer.concat(parts);
}

test.each([
  ["masked, as an agent sends", true],
  ["unmasked, as a hub sends", false],
])("payload of messages of all lengths, and nothing else, however the bytes come (%s)", (_, masked) => {
  const lengths = [1, 125, 126, 300, 0xffff, 0x10000, 0, 5];
  const messages = lengths.flatMap((length) => [
    frame(BINARY, length, masked, 0xee),
    frame(PING, 4, masked, 0xdd),
  ]);
  const bytes = Buffer.concat([HEAD, ...messages]);
  const expected = Buffer.alloc(
    lengths.reduce((sum, length) => sum + length),
    0xee,
  );
  const random = new SeededBytes(1);
  for (const pieces of [(left: number) => left, () => 1, () => 1 + random.below(2_000)]) {
    expect(found(bytes, pieces).equals(expected)).toBe(true);
  }
});

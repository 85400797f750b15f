import { describe, expect, test } from "vitest";
import { CipherState } from "../../../common/noise/cipher.ts";
import {
  DEFAULT_MESSAGE_LIMIT,
  IKpsk2,
  MAX_MESSAGE,
  MAX_PLAINTEXT,
  Transport,
} from "../../../common/noise/index.ts";
import { flipped, secretOf, thrown, transports } from "./parties.ts";

const text = Buffer.from("a record");

function expectDead(transport: Transport, good: Buffer): void {
  thrown("E_PROTOCOL", () => transport.decrypt(good));
  thrown("E_PROTOCOL", () => transport.encrypt(text));
  expect(transport.remaining).toBe(0);
}

test.each([0, 1, 15, 16, 17, 1000, 16_384, MAX_PLAINTEXT])("%i bytes go both ways", (length) => {
  const [a, b] = transports();
  const plaintext = Buffer.alloc(length, 0x5a);
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    const message = from.encrypt(plaintext);
    expect(message).toHaveLength(length + 16);
    expect(to.decrypt(message)).toEqual(plaintext);
  }
});

test("many messages, the two directions apart from each other", () => {
  const [a, b] = transports({}, {}, IKpsk2);
  for (let i = 0; i < 1000; i++) {
    const plaintext = Buffer.from(`message ${i}`);
    expect(b.decrypt(a.encrypt(plaintext))).toEqual(plaintext);
    if (i % 3 === 0) expect(a.decrypt(b.encrypt(plaintext))).toEqual(plaintext);
  }
});

test("leaves the plaintext as it was, takes a plain Uint8Array, and does not repeat itself", () => {
  const [a, b] = transports();
  const plaintext = new Uint8Array([1, 2, 3]);
  const [first, second] = [a.encrypt(plaintext), a.encrypt(plaintext)];
  expect(plaintext).toEqual(new Uint8Array([1, 2, 3]));
  expect(first).not.toEqual(second);
  expect([...b.decrypt(first)]).toEqual([1, 2, 3]);
  expect([...b.decrypt(second)]).toEqual([1, 2, 3]);
});

test("a changed bit anywhere is refused, and kills the transport", () => {
  const bits = (text.length + 16) * 8;
  for (let bit = 0; bit < bits; bit++) {
    const [a, b] = transports();
    const message = a.encrypt(text);
    thrown("E_CARRIER_TAMPERED", () => b.decrypt(flipped(message, bit)));
    expectDead(b, message);
  }
});

describe("refused, and dead afterwards:", () => {
  test("a message replayed", () => {
    const [a, b] = transports();
    const message = a.encrypt(text);
    b.decrypt(message);
    thrown("E_CARRIER_TAMPERED", () => b.decrypt(message));
    expectDead(b, a.encrypt(text));
  });

  test("a message out of order", () => {
    const [a, b] = transports();
    const [first, second] = [a.encrypt(text), a.encrypt(text)];
    thrown("E_CARRIER_TAMPERED", () => b.decrypt(second));
    expectDead(b, first);
  });

  test("a message after one that was lost", () => {
    const [a, b] = transports();
    a.encrypt(text);
    const second = a.encrypt(text);
    thrown("E_CARRIER_TAMPERED", () => b.decrypt(second));
    expectDead(b, second);
  });

  test("a message sent back to its sender", () => {
    const [a, b] = transports();
    const message = a.encrypt(text);
    thrown("E_CARRIER_TAMPERED", () => a.decrypt(message));
    expectDead(a, b.encrypt(text));
  });

  test("a message of another connection", () => {
    const [, b] = transports();
    const [stranger, sibling] = transports();
    const message = stranger.encrypt(text);
    thrown("E_CARRIER_TAMPERED", () => b.decrypt(message));
    expectDead(b, message);
    expect(sibling.decrypt(message)).toEqual(text);
  });

  test("a message cut to any length, down to nothing", () => {
    for (let length = 0; length < text.length + 16; length++) {
      const [a, b] = transports();
      const message = a.encrypt(text);
      thrown("E_CARRIER_TAMPERED", () => b.decrypt(message.subarray(0, length)));
      expectDead(b, message);
    }
  });

  test("a message made longer, by a byte or over 65,535 bytes", () => {
    for (const more of [1, 16, MAX_MESSAGE]) {
      const [a, b] = transports();
      const message = a.encrypt(text);
      thrown("E_CARRIER_TAMPERED", () => b.decrypt(Buffer.concat([message, Buffer.alloc(more)])));
      expectDead(b, message);
    }
  });
});

test("an authentic message over 65,535 bytes is refused too", () => {
  const key = secretOf("direction");
  const [sending, receiving] = [new CipherState(key), new CipherState(key)];
  const transport = new Transport(new CipherState(secretOf("other direction")), receiving);
  expect(transport.decrypt(sending.encrypt(Buffer.alloc(MAX_PLAINTEXT)))).toHaveLength(MAX_PLAINTEXT);
  const message = sending.encrypt(Buffer.alloc(MAX_PLAINTEXT + 1));
  const error = thrown("E_CARRIER_TAMPERED", () => transport.decrypt(message));
  expect(error.message).toContain("65536 bytes");
  expectDead(transport, sending.encrypt(text));
});

test("what does not fit a message is not encrypted, and costs nothing", () => {
  const [a, b] = transports();
  thrown("E_INTERNAL", () => a.encrypt(Buffer.alloc(MAX_PLAINTEXT + 1)));
  expect(b.decrypt(a.encrypt(text))).toEqual(text);
});

describe("message limit", () => {
  test("the sender stops at it, and is not dead for the other direction", () => {
    const [a, b] = transports({ messageLimit: 3 });
    for (const left of [3, 2, 1]) {
      expect(a.remaining).toBe(left);
      expect(b.decrypt(a.encrypt(text))).toEqual(text);
    }
    expect([a.remaining, b.remaining]).toEqual([0, 0]);
    const error = thrown("E_LIMIT", () => a.encrypt(text));
    expect(error.hint).toContain("new carrier");
    thrown("E_LIMIT", () => a.encrypt(text));
    expect(a.decrypt(b.encrypt(text))).toEqual(text);
  });

  test("the receiver takes no more than its own", () => {
    const [a, b] = transports({}, { messageLimit: 2 });
    for (let i = 0; i < 2; i++) expect(b.decrypt(a.encrypt(text))).toEqual(text);
    const third = a.encrypt(text);
    thrown("E_LIMIT", () => b.decrypt(third));
    expect(a.decrypt(b.encrypt(text))).toEqual(text);
    expect([a.remaining, b.remaining]).toEqual([DEFAULT_MESSAGE_LIMIT - 3, 0]);
  });

  test.each([0, -1, 1.5, Number.NaN, 2 ** 53])("%d is not a limit", (messageLimit) => {
    thrown("E_INTERNAL", () => transports({ messageLimit }));
  });
});

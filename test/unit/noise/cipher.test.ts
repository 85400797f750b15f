import { createCipheriv } from "node:crypto";
import { expect, test } from "vitest";
import { CipherState, TAG_BYTES, writeNonce } from "../../../common/noise/cipher.ts";
import { flipped, secretOf } from "./parties.ts";

const key = secretOf("cipher");
const text = Buffer.from("some text");

/** What AES-256-GCM gives for one message, with nothing shared with the code under test. */
function expected(count: bigint, plaintext: Uint8Array, ad = Buffer.alloc(0)): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64BE(count, 4);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(ad);
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

test.each([0, 1, 255, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 3, 2 ** 53 - 1])("nonce %d", (count) => {
  const nonce = Buffer.alloc(12);
  writeNonce(nonce, count);
  const wanted = Buffer.alloc(12);
  wanted.writeBigUInt64BE(BigInt(count), 4);
  expect(nonce).toEqual(wanted);
});

test("counts its messages into the nonce", () => {
  const cipher = new CipherState(key);
  for (const count of [0n, 1n, 2n]) expect(cipher.encrypt(text)).toEqual(expected(count, text));
  expect(cipher.count).toBe(3);
});

test("authenticates associated data", () => {
  const ad = Buffer.from("seen");
  expect(new CipherState(key).encrypt(text, ad)).toEqual(expected(0n, text, ad));
  expect(new CipherState(key).decrypt(expected(0n, text, ad), ad)).toEqual(text);
  expect(new CipherState(key).decrypt(expected(0n, text, ad), Buffer.from("other"))).toBeUndefined();
  expect(new CipherState(key).decrypt(expected(0n, text, ad))).toBeUndefined();
});

test("createCipheriv copies the nonce, so that one buffer may serve all messages", () => {
  const nonce = Buffer.alloc(12);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  nonce.fill(0xff);
  expect(Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()])).toEqual(
    expected(0n, text),
  );
});

test("what was encrypted stays as it was when more is encrypted", () => {
  const cipher = new CipherState(key);
  const messages = Array.from({ length: 100 }, () => cipher.encrypt(text));
  expect(messages).toEqual(messages.map((_, i) => expected(BigInt(i), text)));
});

test("the same for a plaintext that is a view into a larger buffer", () => {
  const larger = new Uint8Array(100).fill(9);
  larger.set(text, 11);
  const view = larger.subarray(11, 11 + text.length);
  const message = new CipherState(key).encrypt(view);
  expect(message).toEqual(expected(0n, text));
  const received = Buffer.concat([Buffer.alloc(5), message, Buffer.alloc(5)]);
  expect(new CipherState(key).decrypt(received.subarray(5, 5 + message.length))).toEqual(text);
});

test("any change, and anything shorter than a tag, gives nothing", () => {
  const message = expected(0n, text);
  for (let bit = 0; bit < message.length * 8; bit++) {
    expect(new CipherState(key).decrypt(flipped(message, bit))).toBeUndefined();
  }
  for (let length = 0; length < TAG_BYTES; length++) {
    expect(new CipherState(key).decrypt(message.subarray(0, length))).toBeUndefined();
  }
});

import nacl from "tweetnacl";
import { expect, test } from "vitest";
import { KeyPair } from "../../../common/noise/index.ts";
import { Opener, Sealer } from "../../../common/outbox/index.ts";
import { Dice } from "../mux/rig.ts";
import { HUB } from "./rig.ts";

const sealer = new Sealer(() => HUB.publicKey.bytes, new Dice(1));
const opener = new Opener(() => [HUB]);
const text = Buffer.from("HOSTNAME and more ".repeat(100));

test("what is sealed comes back, and is packed", () => {
  const sealed = sealer.seal(text);
  expect(opener.open(sealed, text.length)).toEqual(text);
  expect(sealed.length).toBeLessThan(text.length / 5);
  expect(sealed.includes("HOSTNAME")).toBe(false);
});

test("it is a NaCl box, which others can open with the hub's key", () => {
  const sealed = sealer.seal(text);
  const packed = nacl.box.open(
    sealed.subarray(56),
    sealed.subarray(32, 56),
    sealed.subarray(0, 32),
    HUB.exportSecret(),
  );
  expect(Buffer.from(Bun.zstdDecompressSync(packed!))).toEqual(text);
});

test("two of the same are not the same, and keys change", () => {
  const many = Array.from({ length: 130 }, () => sealer.seal(text));
  expect(new Set(many.map((each) => each.toString("hex"))).size).toBe(130);
  expect(new Set(many.map((each) => each.subarray(0, 32).toString("hex"))).size).toBeGreaterThan(2);
});

test("no other key opens it, and no changed byte passes", () => {
  const sealed = sealer.seal(text);
  const other = new Opener(() => [KeyPair.identity(new Dice(2))]);
  expect(() => other.open(sealed, 1 << 20)).toThrow("not sealed for this hub's key");
  for (let at = 0; at < sealed.length; at += 7) {
    const changed = Buffer.from(sealed);
    changed[at]! ^= 0x20;
    expect(() => opener.open(changed, 1 << 20), `byte ${at}`).toThrow();
  }
});

test("what would unpack into more than is allowed is refused", () => {
  const sealed = sealer.seal(Buffer.alloc(10_000_000));
  expect(() => opener.open(sealed, 9_999_999)).toThrow("longer than 9999999 bytes");
  expect(opener.open(sealed, 10_000_000).length).toBe(10_000_000);
});

test.each([0, 1, 55, 56, 71])("%d bytes are no sealed item", (length) => {
  expect(() => opener.open(Buffer.alloc(length), 100)).toThrow("an item");
});

test("a key that no secret can be shared with opens nothing", () => {
  const sealed = sealer.seal(text);
  sealed.fill(0, 0, 32); // a point of low order
  expect(() => opener.open(sealed, 1 << 20)).toThrow("not sealed for this hub's key");
});

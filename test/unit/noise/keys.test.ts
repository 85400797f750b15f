import { inspect } from "node:util";
import { expect, test } from "vitest";
import { KeyPair, PublicKey } from "../../../common/noise/index.ts";
import { systemRandom } from "../../../common/random.ts";
import { LOW_ORDER, once, secretOf, thrown } from "./parties.ts";

const unhex = (hex: string): Buffer => Buffer.from(hex, "hex");

// RFC 7748, section 6.1
const alice = new KeyPair(unhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"));
const bob = new KeyPair(unhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));

test("public keys and shared secret are those of RFC 7748", () => {
  expect(alice.publicKey.bytes.toString("hex")).toBe(
    "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
  );
  expect(bob.publicKey.bytes.toString("hex")).toBe(
    "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
  );
  const shared = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
  expect(alice.agree(bob.publicKey).toString("hex")).toBe(shared);
  expect(bob.agree(new PublicKey(alice.publicKey.bytes)).toString("hex")).toBe(shared);
});

test("an identity comes from the given randomness, and no two are the same", () => {
  const secret = secretOf("identity");
  const made = KeyPair.identity(once(secret));
  expect(made.exportSecret()).toEqual(secret);
  expect(made.publicKey.bytes).toEqual(new KeyPair(secret).publicKey.bytes);
  expect(KeyPair.identity(systemRandom).publicKey.equals(KeyPair.identity(systemRandom).publicKey)).toBe(
    false,
  );
});

test("an ephemeral key comes from the given randomness", () => {
  const secret = secretOf("ephemeral");
  expect(KeyPair.ephemeral(once(secret)).publicKey.equals(new KeyPair(secret).publicKey)).toBe(true);
});

test.each(LOW_ORDER)("low-order point %# is refused", (point) => {
  const error = thrown("E_HANDSHAKE", () => alice.agree(new PublicKey(point)));
  expect(error.message).not.toContain(point.toString("hex"));
});

test.each([0, 31, 33, 64])("a key of %i bytes is refused", (length) => {
  const bytes = Buffer.alloc(length, 7);
  thrown("E_INTERNAL", () => new PublicKey(bytes));
  thrown("E_INTERNAL", () => new KeyPair(bytes));
});

test("keys do not change with the buffers they came from or gave out", () => {
  const bytes = Buffer.from(bob.publicKey.bytes);
  const key = new PublicKey(bytes);
  bytes.fill(0);
  expect(key.equals(bob.publicKey)).toBe(true);
  const secret = secretOf("kept");
  const pair = new KeyPair(secret);
  secret.fill(0);
  pair.exportSecret().fill(0);
  expect(pair.exportSecret()).toEqual(secretOf("kept"));
});

test("a key pair printed by mistake does not show its secret", () => {
  const pair = new KeyPair(Buffer.alloc(32, 0xab));
  for (const text of [inspect(pair, { depth: 9, showHidden: true }), JSON.stringify(pair)]) {
    expect(text).not.toMatch(/(ab[ ,]*){4}|(171[ ,\n]*){4}/i);
  }
});

/** X25519 keys and the Diffie-Hellman function (Noise rev 34, section 12.1; RFC 7748). */
import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from "node:crypto";
import nacl from "tweetnacl";
import type { Random } from "../random.ts";
import { handshakeFailure, misuse } from "./failure.ts";

/** Length of public keys, secret keys, shared secrets and pre-shared keys, in bytes. */
export const KEY_BYTES = 32;

// node:crypto takes no raw X25519 keys: these are the fixed DER bytes before them (RFC 8410, sections 4 and 7)
const SPKI_PREFIX = Buffer.from("302a300506032b656e032100", "hex");
const PKCS8_PREFIX = Buffer.from("302e020100300506032b656e04220420", "hex");

export class PublicKey {
  /** The 32 bytes as they go over the wire. */
  readonly bytes: Buffer;
  readonly #key: KeyObject;

  /** @param bytes any 32 bytes; a low-order point is only refused when it is used. Copied. */
  constructor(bytes: Uint8Array) {
    requireKeyLength(bytes, "a public key");
    this.bytes = Buffer.from(bytes);
    const der = Buffer.concat([SPKI_PREFIX, this.bytes]);
    this.#key = createPublicKey({ key: der, format: "der", type: "spki" });
  }

  /** Its first 16 hexadecimal digits: what people tell it by, in logs and the audit. */
  get short(): string {
    return this.bytes.toString("hex", 0, 8);
  }

  equals(other: PublicKey): boolean {
    return this.bytes.equals(other.bytes);
  }

  /** @internal for KeyPair.agree */
  get keyObject(): KeyObject {
    return this.#key;
  }
}

export class KeyPair {
  readonly publicKey: PublicKey;
  readonly #secret: Buffer;
  readonly #key: KeyObject;

  /** @param secret 32 bytes fit for a key; clamped in use as RFC 7748 says. Copied. */
  constructor(secret: Uint8Array) {
    requireKeyLength(secret, "a secret key");
    this.#secret = Buffer.from(secret);
    const der = Buffer.concat([PKCS8_PREFIX, this.#secret]);
    this.#key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
    const spki = createPublicKey(this.#key).export({ format: "der", type: "spki" });
    this.publicKey = new PublicKey(spki.subarray(-KEY_BYTES));
  }

  /** A key pair for one handshake. */
  static ephemeral(random: Random): KeyPair {
    return new KeyPair(random.bytes(KEY_BYTES));
  }

  /**
   * A key pair to be kept for years. Its public key is computed by two libraries that share no code, and
   * both must agree: a faulty computation must not end up in a registry.
   */
  static identity(random: Random): KeyPair {
    const made = nacl.box.keyPair.fromSecretKey(random.bytes(KEY_BYTES));
    const pair = new KeyPair(made.secretKey);
    if (!pair.publicKey.bytes.equals(made.publicKey)) throw misuse("key generation gave two public keys");
    return pair;
  }

  /** A copy of the secret key's 32 bytes, for the key file only. */
  exportSecret(): Buffer {
    return Buffer.from(this.#secret);
  }

  /**
   * The 32-byte shared secret with `remote`.
   * @throws FarsiteError E_HANDSHAKE for a low-order point: node:crypto itself refuses an all-zero result
   * (RFC 7748, section 6.1), in constant time, and the tests hold it to that.
   */
  agree(remote: PublicKey): Buffer {
    try {
      return diffieHellman({ privateKey: this.#key, publicKey: remote.keyObject });
    } catch {
      throw handshakeFailure("a public key is not a valid X25519 key");
    }
  }
}

/** @throws FarsiteError E_INTERNAL unless `bytes` has the length of a key */
export function requireKeyLength(bytes: Uint8Array, what: string): void {
  if (bytes.length !== KEY_BYTES) throw misuse(`${what} has ${bytes.length} bytes, not ${KEY_BYTES}`);
}

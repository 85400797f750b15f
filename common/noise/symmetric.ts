/** The SymmetricState of Noise (rev 34, section 5.2) with SHA256: what a handshake has agreed so far. */
import { createHash, hkdfSync } from "node:crypto";
import { CipherState, TAG_BYTES } from "./cipher.ts";

const HASH_BYTES = 32;

function sha256(...parts: Uint8Array[]): Buffer {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

export class SymmetricState {
  #chainingKey: Buffer;
  #hash: Buffer;
  #cipher: CipherState | undefined;

  constructor(protocolName: string) {
    const name = Buffer.from(protocolName, "ascii");
    this.#hash = name.length <= HASH_BYTES ? Buffer.concat([name], HASH_BYTES) : sha256(name);
    this.#chainingKey = this.#hash;
  }

  /** The handshake hash: over everything both sides have seen. */
  get hash(): Buffer {
    return Buffer.from(this.#hash);
  }

  /** What `encryptAndHash` adds now, in bytes: nothing until there is a key, then a tag. */
  get overhead(): number {
    return this.#cipher === undefined ? 0 : TAG_BYTES;
  }

  mixHash(data: Uint8Array): void {
    this.#hash = sha256(this.#hash, data);
  }

  mixKey(input: Uint8Array): void {
    const [chainingKey, key] = this.#derive(input, 2);
    this.#chainingKey = chainingKey;
    this.#cipher = new CipherState(key);
  }

  mixKeyAndHash(input: Uint8Array): void {
    const [chainingKey, hash, key] = this.#derive(input, 3);
    this.#chainingKey = chainingKey;
    this.mixHash(hash);
    this.#cipher = new CipherState(key);
  }

  encryptAndHash(plaintext: Uint8Array): Buffer {
    const ciphertext = this.#cipher?.encrypt(plaintext, this.#hash) ?? Buffer.from(plaintext);
    this.mixHash(ciphertext);
    return ciphertext;
  }

  /** The plaintext, or undefined if `ciphertext` is not authentic: the handshake is then over. */
  decryptAndHash(ciphertext: Uint8Array): Buffer | undefined {
    const plaintext = this.#cipher ? this.#cipher.decrypt(ciphertext, this.#hash) : Buffer.from(ciphertext);
    this.mixHash(ciphertext);
    return plaintext;
  }

  /** The ciphers for what follows the handshake: the initiator's direction, then the responder's. */
  split(): [CipherState, CipherState] {
    const [toResponder, toInitiator] = this.#derive(Buffer.alloc(0), 2);
    return [new CipherState(toResponder), new CipherState(toInitiator)];
  }

  #derive(input: Uint8Array, outputs: 2): [Buffer, Buffer];
  #derive(input: Uint8Array, outputs: 3): [Buffer, Buffer, Buffer];
  // Noise's HKDF (section 4.3) is that of RFC 5869, the chaining key as salt and no info
  #derive(input: Uint8Array, outputs: number): Buffer[] {
    const okm = Buffer.from(hkdfSync("sha256", input, this.#chainingKey, "", outputs * HASH_BYTES));
    return Array.from({ length: outputs }, (_, i) => okm.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES));
  }
}

/** The CipherState of Noise (rev 34, section 5.1) with AESGCM (section 12.4): one key, one direction. */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from "node:crypto";

const ALGORITHM = "aes-256-gcm";
const NONCE_BYTES = 12;

/** What encryption adds to a plaintext, in bytes. */
export const TAG_BYTES = 16;

/** Writes message number `count` (0 to 2^53 - 1) as AESGCM's nonce: 4 zero bytes, 64 bits big-endian. */
export function writeNonce(nonce: Buffer, count: number): void {
  nonce.writeUInt32BE(Math.floor(count / 2 ** 32), 4);
  nonce.writeUInt32BE(count >>> 0, 8);
}

export class CipherState {
  readonly #key: KeyObject;
  // one for all messages: createCipheriv copies it
  readonly #nonce = Buffer.alloc(NONCE_BYTES);
  #count = 0;

  /** @param key 32 bytes */
  constructor(key: Uint8Array) {
    this.#key = createSecretKey(key);
  }

  /** Messages encrypted or decrypted so far. Whoever owns this must stop before 2^53. */
  get count(): number {
    return this.#count;
  }

  /**
   * `plaintext` encrypted, then the 16-byte tag; `ad` is authenticated with it.
   * @param into where to put that; new memory when not given, which costs more than the encryption
   */
  encrypt(plaintext: Uint8Array, ad?: Uint8Array, into?: Buffer): Buffer {
    const cipher = createCipheriv(ALGORITHM, this.#key, this.#nextNonce());
    if (ad !== undefined) cipher.setAAD(ad);
    const length = plaintext.length + TAG_BYTES;
    const message = into?.subarray(0, length) ?? Buffer.allocUnsafe(length);
    message.set(cipher.update(plaintext));
    cipher.final(); // gives no bytes in GCM, but completes the tag
    message.set(cipher.getAuthTag(), plaintext.length);
    return message;
  }

  /**
   * The plaintext of `message`, or undefined if it is not what the other side encrypted next. After that
   * this state must not be used again: unlike Noise's, its count moves on with a failed message too.
   */
  decrypt(message: Uint8Array, ad?: Uint8Array): Buffer | undefined {
    const end = message.length - TAG_BYTES;
    if (end < 0) return undefined;
    const decipher = createDecipheriv(ALGORITHM, this.#key, this.#nextNonce());
    decipher.setAuthTag(message.subarray(end));
    if (ad !== undefined) decipher.setAAD(ad);
    const plaintext = decipher.update(message.subarray(0, end));
    try {
      decipher.final();
    } catch {
      return undefined;
    }
    return plaintext;
  }

  // counts before use: whatever fails afterwards, no nonce is ever used twice
  #nextNonce(): Buffer {
    writeNonce(this.#nonce, this.#count++);
    return this.#nonce;
  }
}

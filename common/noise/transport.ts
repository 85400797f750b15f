/** What follows a handshake: encrypted messages, strictly in order, in both directions. */
import { FarsiteError } from "../errors.ts";
import { type CipherState, TAG_BYTES } from "./cipher.ts";
import { misuse } from "./failure.ts";

/** Largest Noise message, in bytes (Noise rev 34, section 3). */
export const MAX_MESSAGE = 65_535;

/** Largest plaintext that fits one message, in bytes. */
export const MAX_PLAINTEXT = MAX_MESSAGE - TAG_BYTES;

/**
 * Messages a direction may carry under one key. 2^32 messages of 2^12 blocks leave an attacker an advantage
 * of about 2^-41: (blocks + messages + 1)^2 / 2^129 for AES-GCM, in draft-irtf-cfrg-aead-limits.
 */
export const DEFAULT_MESSAGE_LIMIT = 2 ** 32;

export interface TransportOptions {
  /** Messages per direction, 1 to 2^53 - 1 (so that Noise's reserved 2^64 - 1 is never met); default 2^32. */
  readonly messageLimit?: number;
}

/** Made by `Handshake.split`. */
export class Transport {
  // undefined once a message was refused: the keys are let go, nothing works any more
  #ciphers: { readonly send: CipherState; readonly receive: CipherState } | undefined;
  readonly #limit: number;

  constructor(send: CipherState, receive: CipherState, options: TransportOptions = {}) {
    this.#ciphers = { send, receive };
    this.#limit = options.messageLimit ?? DEFAULT_MESSAGE_LIMIT;
    if (!Number.isSafeInteger(this.#limit) || this.#limit < 1) {
      throw misuse("the message limit is out of range");
    }
  }

  /** Messages that may still pass in the direction nearer to its limit; 0 on a dead transport. */
  get remaining(): number {
    if (this.#ciphers === undefined) return 0;
    return this.#limit - Math.max(this.#ciphers.send.count, this.#ciphers.receive.count);
  }

  /**
   * One message: `plaintext` (at most MAX_PLAINTEXT bytes) encrypted, then 16 bytes of tag.
   * @throws FarsiteError E_LIMIT when the message limit is reached: take a new carrier;
   * E_PROTOCOL on a dead transport
   * @param into where to put the message, MAX_MESSAGE bytes; new memory when not given
   */
  encrypt(plaintext: Uint8Array, into?: Buffer): Buffer {
    const { send } = this.#live();
    if (plaintext.length > MAX_PLAINTEXT) throw misuse(`${plaintext.length} bytes do not fit one message`);
    this.#spend(send, "sent");
    return send.encrypt(plaintext, undefined, into);
  }

  /**
   * The plaintext of the next message from the other side.
   * @throws FarsiteError E_CARRIER_TAMPERED for anything but exactly the next message the other side encrypted;
   * the transport is dead from then on, in both directions. E_PROTOCOL on a dead transport, E_LIMIT when the
   * message limit is reached
   */
  decrypt(message: Uint8Array): Buffer {
    const { receive } = this.#live();
    this.#spend(receive, "received");
    if (message.length > MAX_MESSAGE) throw this.#kill(`an encrypted message has ${message.length} bytes`);
    const plaintext = receive.decrypt(message);
    if (plaintext === undefined) throw this.#kill("an encrypted message failed authentication");
    return plaintext;
  }

  #live(): { readonly send: CipherState; readonly receive: CipherState } {
    if (this.#ciphers !== undefined) return this.#ciphers;
    throw new FarsiteError("E_PROTOCOL", "an encrypted connection is dead after a message it refused");
  }

  #spend(cipher: CipherState, done: string): void {
    if (cipher.count < this.#limit) return;
    throw new FarsiteError(
      "E_LIMIT",
      `${this.#limit} messages were ${done} under one encryption key`,
      "A new carrier has new keys.",
    );
  }

  #kill(reason: string): FarsiteError {
    this.#ciphers = undefined;
    return new FarsiteError(
      "E_CARRIER_TAMPERED",
      `${reason}: something on the way changed, lost or repeated data`,
    );
  }
}

/** The HandshakeState of Noise (rev 34, section 5.3), for any pattern of pattern.ts. */
import type { Random } from "../random.ts";
import { handshakeFailure, misuse } from "./failure.ts";
import { KEY_BYTES, KeyPair, PublicKey, requireKeyLength } from "./keys.ts";
import { DH_KEYS, type DhToken, type Pattern, type Token } from "./pattern.ts";
import { SymmetricState } from "./symmetric.ts";
import { MAX_MESSAGE, Transport, type TransportOptions } from "./transport.ts";

export interface HandshakeOptions {
  readonly pattern: Pattern;
  readonly role: "initiator" | "responder";
  /** What both sides must agree on before the handshake; it fails if they do not. */
  readonly prologue: Uint8Array;
  /** For the ephemeral key. */
  readonly random: Random;
  /** Our own identity, if the pattern has one. */
  readonly localStatic?: KeyPair;
  /** The other side's identity, if the pattern says that we know it beforehand. */
  readonly remoteStatic?: PublicKey;
}

/**
 * One side of one handshake. The sides write and read in turn as the pattern says; then `complete` is true
 * and `split` gives the transport. After writing or reading threw, the handshake is over.
 *
 * In IK and IKpsk2 the first message can be replayed by whoever recorded it, and its payload can be read by
 * whoever gets the responder's secret key later: nothing may be done on its word but to answer. In IKpsk2
 * it is not protected by the pre-shared key, so its payload may say which key to use; the responder knows
 * that the initiator has that key only when the first transport message has been decrypted.
 */
export class Handshake {
  readonly #messages: Pattern["messages"];
  readonly #usesPsk: boolean;
  readonly #initiator: boolean;
  readonly #random: Random;
  readonly #symmetric: SymmetricState;
  readonly #local: { e: KeyPair | undefined; readonly s: KeyPair | undefined };
  readonly #remote: { e: PublicKey | undefined; s: PublicKey | undefined };
  #psk: Buffer | undefined;
  #next = 0;
  #state: "open" | "split" | "failed" = "open";

  constructor(options: HandshakeOptions) {
    const { pattern, role, localStatic, remoteStatic } = options;
    this.#messages = pattern.messages;
    this.#usesPsk = pattern.messages.some((tokens) => tokens.includes("psk"));
    this.#initiator = role === "initiator";
    this.#random = options.random;
    this.#local = { e: undefined, s: localStatic };
    this.#remote = { e: undefined, s: remoteStatic };
    this.#symmetric = new SymmetricState(`Noise_${pattern.name}_25519_AESGCM_SHA256`);
    this.#symmetric.mixHash(options.prologue);
    for (const side of pattern.known) {
      const key = side === role ? localStatic?.publicKey : remoteStatic;
      this.#symmetric.mixHash(present(key, `the ${side}'s static key`).bytes);
    }
  }

  /**
   * Sets the 32-byte pre-shared key for the next message with a `psk` token. May come as late as just before
   * that message, so that a responder can choose the key by what message 1 said.
   */
  setPsk(psk: Uint8Array): void {
    if (!this.#usesPsk) throw misuse("this handshake pattern takes no pre-shared key");
    requireKeyLength(psk, "a pre-shared key");
    this.#psk = Buffer.from(psk);
  }

  /** The other side's identity: known beforehand, or proven by a message that was read without error. */
  get remoteStatic(): PublicKey | undefined {
    return this.#state === "failed" ? undefined : this.#remote.s;
  }

  /** Whether all messages have been written and read. */
  get complete(): boolean {
    return this.#state !== "failed" && this.#next === this.#messages.length;
  }

  /** The 32-byte hash over the complete handshake, the same on both sides and unique to it (section 11.2). */
  get handshakeHash(): Buffer {
    if (!this.complete) throw misuse("the handshake is not complete");
    return this.#symmetric.hash;
  }

  /** The next message, with `payload` in it. */
  writeMessage(payload: Uint8Array = Buffer.alloc(0)): Buffer {
    return this.#step(true, (tokens) => {
      const parts = tokens.map((token) => this.#write(token));
      const message = Buffer.concat([...parts, this.#symmetric.encryptAndHash(payload)]);
      if (message.length > MAX_MESSAGE) throw misuse("the payload does not fit the handshake message");
      return message;
    });
  }

  /**
   * Reads the other side's next message and gives its payload.
   * @throws FarsiteError E_HANDSHAKE for anything but exactly what a side with the right keys wrote
   */
  readMessage(message: Uint8Array): Buffer {
    return this.#step(false, (tokens) => {
      if (message.length > MAX_MESSAGE) throw handshakeFailure(`a message has ${message.length} bytes`);
      let rest = message;
      for (const token of tokens) rest = this.#read(token, rest);
      return this.#decrypt(rest);
    });
  }

  /** Ends a complete handshake, once: two transports with the same keys would repeat nonces. */
  split(options?: TransportOptions): Transport {
    if (!this.complete) throw misuse("the handshake is not complete");
    if (this.#state === "split") throw misuse("the handshake was split before");
    this.#state = "split";
    const [toResponder, toInitiator] = this.#symmetric.split();
    return this.#initiator
      ? new Transport(toResponder, toInitiator, options)
      : new Transport(toInitiator, toResponder, options);
  }

  #step<T>(write: boolean, run: (tokens: readonly Token[]) => T): T {
    const tokens = this.#state === "open" ? this.#messages[this.#next] : undefined;
    const ourTurn = (this.#next % 2 === 0) === this.#initiator;
    // set back only on success, so that a throw from anywhere leaves the handshake over
    this.#state = "failed";
    if (tokens === undefined || ourTurn !== write) throw misuse("a handshake message out of turn");
    const result = run(tokens);
    this.#state = "open";
    this.#next++;
    return result;
  }

  #write(token: Token): Uint8Array {
    switch (token) {
      case "e":
        this.#local.e = KeyPair.ephemeral(this.#random);
        this.#mixEphemeral(this.#local.e.publicKey);
        return this.#local.e.publicKey.bytes;
      case "s":
        return this.#symmetric.encryptAndHash(present(this.#local.s, "our static key").publicKey.bytes);
      default:
        this.#mixSecret(token);
        return Buffer.alloc(0);
    }
  }

  /** Gives what is left of the message behind the token. */
  #read(token: Token, rest: Uint8Array): Uint8Array {
    const length = token === "e" ? KEY_BYTES : token === "s" ? KEY_BYTES + this.#symmetric.overhead : 0;
    if (rest.length < length) throw handshakeFailure("a message is too short");
    const field = rest.subarray(0, length);
    if (token === "e") {
      this.#remote.e = new PublicKey(field);
      this.#mixEphemeral(this.#remote.e);
    } else if (token === "s") {
      if (this.#remote.s) throw misuse("this pattern sends the remote static key, it cannot be known before");
      this.#remote.s = new PublicKey(this.#decrypt(field));
    } else {
      this.#mixSecret(token);
    }
    return rest.subarray(length);
  }

  #mixEphemeral(key: PublicKey): void {
    this.#symmetric.mixHash(key.bytes);
    // with a PSK, ephemeral keys also go into the key (section 9.2)
    if (this.#usesPsk) this.#symmetric.mixKey(key.bytes);
  }

  #mixSecret(token: DhToken | "psk"): void {
    if (token === "psk") {
      this.#symmetric.mixKeyAndHash(present(this.#psk, "a pre-shared key"));
      this.#psk = undefined;
      return;
    }
    const [initiators, responders] = DH_KEYS[token];
    const local = this.#local[this.#initiator ? initiators : responders];
    const remote = this.#remote[this.#initiator ? responders : initiators];
    const secret = present(local, "a key of ours").agree(present(remote, "a key of the other side"));
    this.#symmetric.mixKey(secret);
  }

  #decrypt(field: Uint8Array): Buffer {
    const plaintext = this.#symmetric.decryptAndHash(field);
    if (plaintext === undefined) throw handshakeFailure("a message failed authentication");
    return plaintext;
  }
}

function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw misuse(`the handshake needs ${what}`);
  return value;
}

/** A link is one carrier after its handshake: records in and out, encrypted, until the carrier closes. */
import { type Carrier, MAX_MESSAGE } from "../carrier/index.ts";
import { FarsiteError, reasonOf } from "../errors.ts";

const TAMPERED = "E_CARRIER_TAMPERED";

/** The two directions of a finished Noise handshake. */
export interface RecordCipher {
  /** The message for `plaintext`; it may stand in `into`, MAX_MESSAGE bytes that are written over by the next. */
  encrypt(plaintext: Uint8Array, into: Buffer): Uint8Array;
  /** Throws when the message was not made by the other end, for this place in the order. */
  decrypt(message: Buffer): Buffer;
}

/** What is being sent, of all links: a carrier keeps nothing of it. */
const scratch = Buffer.allocUnsafeSlow(MAX_MESSAGE);

export interface LinkHandlers {
  record(plaintext: Buffer): void;
  drain(): void;
  /** Called once; the reason is the carrier's or that of `close`. */
  close(reason: FarsiteError): void;
}

export class Link {
  readonly kind: string;
  readonly peer: string;
  /** Bytes of the carrier's messages so far, encrypted, without what the carrier adds to them. */
  sent = 0;
  received = 0;
  #handlers: LinkHandlers | undefined;
  #early: Buffer[] = [];
  #closed: FarsiteError | undefined;

  /** The carrier must be attached by whoever did the handshake, who passes its events on to this link. */
  constructor(
    private readonly carrier: Carrier,
    private readonly cipher: RecordCipher,
  ) {
    this.kind = carrier.kind;
    this.peer = carrier.peer;
  }

  /** Hands the link over to its owner; records that came before, and a close, are told now. */
  attach(handlers: LinkHandlers): void {
    const closed = this.#closed;
    this.#handlers = handlers;
    // whoever takes a record may hand the link on: what is left then belongs to the new owner
    while (this.#early.length > 0 && this.#closed === closed) handlers.record(this.#early.shift() as Buffer);
    if (closed && this.#handlers === handlers) handlers.close(closed);
  }

  get unsent(): number {
    return this.carrier.unsent;
  }

  get closed(): boolean {
    return this.#closed !== undefined;
  }

  send(record: Uint8Array): void {
    if (this.#closed) return;
    try {
      const message = this.cipher.encrypt(record, scratch);
      this.sent += message.length;
      this.carrier.send(message);
    } catch (error) {
      this.fail(asProtocolError(error));
    }
  }

  /** Closes after what was sent; the owner is told `reason`. */
  fail(reason: FarsiteError): void {
    if (this.#closed) return;
    this.#closed = reason;
    this.carrier.close(reason.code);
    this.#handlers?.close(reason);
  }

  /** From the carrier: a whole message. */
  onMessage(message: Buffer): void {
    if (this.#closed) return;
    this.received += message.length;
    try {
      if (message.length > MAX_MESSAGE) throw new FarsiteError("E_PROTOCOL", "message over 65,535 bytes");
      const record = this.cipher.decrypt(message);
      if (record.length === 0) throw new FarsiteError("E_PROTOCOL", "empty record");
      if (this.#handlers) this.#handlers.record(record);
      else if (this.#early.length < 4) this.#early.push(record);
      else throw new FarsiteError("E_PROTOCOL", "records sent before the carrier was attached");
    } catch (error) {
      this.fail(asProtocolError(error));
    }
  }

  onDrain(): void {
    if (!this.#closed) this.#handlers?.drain();
  }

  onClose(reason: string): void {
    if (this.#closed) return;
    this.#closed = closeReason(reason);
    this.#handlers?.close(this.#closed);
  }
}

/** What a carrier gives as its reason is not authenticated: nothing but what is told to people hangs on it. */
function closeReason(reason: string): FarsiteError {
  if (reason !== TAMPERED) return new FarsiteError("E_CARRIER_LOST", reason);
  return new FarsiteError(TAMPERED, "the other side found that what it received was changed on the way");
}

function asProtocolError(error: unknown): FarsiteError {
  return error instanceof FarsiteError ? error : new FarsiteError("E_INTERNAL", reasonOf(error));
}

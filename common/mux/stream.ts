/** One flow-controlled byte stream inside a session, with half-close and reset. */
import { Deque } from "../deque.ts";
import { brokenFrame, INITIAL_CREDIT, type Priority, type ResetReason } from "./frame.ts";
import { type Packing, unpackBody } from "./packing.ts";
import type { Traffic } from "./traffic.ts";

export interface StreamHandlers {
  /** Bytes came. Whoever takes them calls `consumed` once they are out of the way. */
  data(chunk: Buffer): void;
  /** The other side has sent its last byte. */
  end(): void;
  /** What `write` had put back is sent: write on. */
  drain(): void;
  /** The stream is gone without a clean end. Nothing is called after it. */
  reset(reason: ResetReason): void;
}

/** What a stream needs of the mux it belongs to. */
export interface StreamOwner {
  /**
   * The stream has something to send.
   * @param idle nobody waits for it
   */
  ready(stream: MuxStream, idle?: boolean): void;
  credit(stream: MuxStream, bytes: number): void;
  /**
   * How many bytes to add to a window of `window` bytes, a quarter of which was used up and consumed since the
   * last grant.
   */
  widen(stream: MuxStream, window: number): number;
  sendReset(stream: MuxStream, reason: ResetReason): void;
  /** Both directions ended, or it was reset. */
  gone(stream: MuxStream): void;
}

/** Marks the length of a packed body. */
export const PACKED_BODY = 1 << 24;

/** Bytes waiting in a stream above which `write` asks for a pause. */
const HIGH_WATER = 256 << 10;

/** The part of a stream that endpoints and services see. */
export interface Stream {
  readonly id: number;
  readonly service: string;
  attach(handlers: StreamHandlers): void;
  /** Takes bytes to send; they must not be changed afterwards. False: wait for `drain` before the next. */
  write(chunk: Buffer): boolean;
  /**
   * Half-close: nothing more will be written.
   * @param urgent false: nobody waits for it, so that it may go with what is sent next, within 5 ms
   */
  end(urgent?: boolean): void;
  /** Gives the stream up in both directions. What was written before `end` is still delivered first. */
  reset(reason: ResetReason): void;
  /** As `reset`, but what was written is delivered first; the other side still sees no clean end. */
  abort(reason: ResetReason): void;
  /** `bytes` of what `data` gave are out of the way: the other side may send as many more. */
  consumed(bytes: number): void;
}

export class MuxStream implements Stream {
  #handlers: StreamHandlers | undefined;

  /** What waits to be sent; the first chunk from `offset` on. */
  readonly pending = new Deque<Buffer>();
  pendingBytes = 0;
  offset = 0;
  /** Bytes that the other side still takes. */
  sendCredit = INITIAL_CREDIT;
  /** True while it stands in the mux's queue. */
  queued = false;
  finWanted = false;
  finSent = false;
  #paused = false;
  #resetAfterFin: ResetReason | undefined;
  #resetAfterData: ResetReason | undefined;

  /** Bytes that the other side may still send. */
  #receiveCredit = INITIAL_CREDIT;
  /** What that is when all is consumed: grows where the line is longer than it. */
  #window = INITIAL_CREDIT;
  /** When credit was last granted, on the owner's clock. */
  grantedAt = Number.NEGATIVE_INFINITY;
  #consumed = 0;
  #finReceived = false;
  #gone = false;

  constructor(
    readonly id: number,
    readonly service: string,
    readonly priority: Priority,
    private readonly owner: StreamOwner,
    /** Of the streams of this service, when their data may be packed. */
    private readonly packing?: Packing,
    /** Where its bytes are counted. */
    private readonly traffic: Traffic = { received: 0, sent: 0 },
  ) {}

  attach(handlers: StreamHandlers): void {
    this.#handlers = handlers;
  }

  /** Bytes of credit beyond what every stream begins with. */
  get widened(): number {
    return this.#window - INITIAL_CREDIT;
  }

  get sendable(): boolean {
    if (this.#gone) return false;
    return (this.pendingBytes > 0 && this.sendCredit > 0) || (this.finWanted && this.pendingBytes === 0);
  }

  write(chunk: Buffer): boolean {
    if (this.#gone || this.finWanted) return true;
    if (chunk.length === 0) return !this.#paused;
    this.pending.push(chunk);
    this.pendingBytes += chunk.length;
    this.owner.ready(this);
    this.#paused = this.pendingBytes >= HIGH_WATER;
    return !this.#paused;
  }

  end(urgent = true): void {
    if (this.#gone || this.finWanted) return;
    this.finWanted = true;
    this.owner.ready(this, !urgent && this.pendingBytes === 0);
  }

  reset(reason: ResetReason): void {
    if (this.#gone) return;
    if (this.finWanted && !this.finSent) {
      this.#resetAfterFin = reason;
      return;
    }
    this.owner.sendReset(this, reason);
    this.#leave();
  }

  abort(reason: ResetReason): void {
    if (this.finWanted || this.pendingBytes === 0) this.reset(reason);
    else this.#resetAfterData = reason;
  }

  consumed(bytes: number): void {
    if (this.#gone || this.#finReceived) return;
    this.#consumed += bytes;
    // in few, large grants: each costs a frame
    if (this.#consumed < this.#window / 4) return;
    const extra = this.owner.widen(this, this.#window);
    const granted = this.#consumed + extra;
    this.#window += extra;
    this.#receiveCredit += granted;
    this.#consumed = 0;
    this.owner.credit(this, granted);
  }

  /**
   * Moves data into the body of a frame; returns its length, plus PACKED_BODY when it is packed.
   * @param room most bytes of it, and `packedRoom` when it is packed: the longer the piece, the better it packs
   */
  body(into: Buffer, at: number, room: number, packedRoom: number, thin: boolean): number {
    const available = Math.min(this.pendingBytes, this.sendCredit);
    const packed = this.packing?.pack(this, available, packedRoom, thin);
    if (packed && this.packing) {
      into.set(packed, at);
      this.#drop(this.packing.covered);
      return packed.length + PACKED_BODY;
    }
    const length = Math.min(room, available);
    this.peek(into.subarray(at), length);
    this.#drop(length);
    return length;
  }

  peek(into: Buffer, bytes: number): void {
    let copied = 0;
    let offset = this.offset;
    for (let i = 0; copied < bytes; i++) {
      const chunk = this.pending.at(i) as Buffer;
      const n = Math.min(bytes - copied, chunk.length - offset);
      chunk.copy(into, copied, offset, offset + n);
      copied += n;
      offset = 0;
    }
  }

  /** The first `bytes` of what waits are on their way. */
  #drop(bytes: number): void {
    this.pendingBytes -= bytes;
    this.sendCredit -= bytes;
    this.traffic.sent += bytes;
    let left = bytes + this.offset;
    for (let chunk = this.pending.at(0); chunk && left >= chunk.length; chunk = this.pending.at(0)) {
      left -= chunk.length;
      this.pending.shift();
    }
    this.offset = left;
  }

  /** After a record was filled: asks for more where a writer waits; not from within `body`. */
  afterTake(): void {
    // it may have been given up from within another stream's `drain`
    if (this.#gone) return;
    if (this.#paused && this.pendingBytes < HIGH_WATER / 2) {
      this.#paused = false;
      this.#handlers?.drain();
    }
    this.#leaveIfDone();
    if (this.finSent && this.#resetAfterFin) this.reset(this.#resetAfterFin);
    if (this.pendingBytes === 0 && this.#resetAfterData) this.reset(this.#resetAfterData);
  }

  onData(body: Buffer, fin: boolean, packed: boolean): void {
    if (this.#finReceived) throw brokenFrame("DATA after FIN");
    if (packed && !this.packing) throw brokenFrame("packed DATA on a stream that was not opened for it");
    const chunk = packed ? unpackBody(body) : body;
    this.#receiveCredit -= chunk.length;
    if (this.#receiveCredit < 0) throw brokenFrame("DATA beyond the credit");
    this.traffic.received += chunk.length;
    if (fin) this.#finReceived = true;
    if (chunk.length > 0) this.#handlers?.data(chunk);
    if (fin && !this.#gone) this.#handlers?.end();
    this.#leaveIfDone();
  }

  onCredit(bytes: number): void {
    this.sendCredit += bytes;
    if (this.sendCredit > 0x7fff_ffff) throw brokenFrame("CREDIT overflows");
    if (this.pendingBytes > 0) this.owner.ready(this);
  }

  /** From the other side, or because the session is over. */
  onReset(reason: ResetReason): void {
    if (this.#gone) return;
    this.#leave();
    this.#handlers?.reset(reason);
  }

  #leaveIfDone(): void {
    if (!this.#gone && this.finSent && this.#finReceived) this.#leave();
  }

  #leave(): void {
    this.#gone = true;
    this.pending.clear();
    this.pendingBytes = 0;
    this.owner.gone(this);
  }
}

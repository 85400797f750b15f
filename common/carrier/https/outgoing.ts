/** Messages that wait to be sent, given out as batches whose size follows what the line carries. */
import { Deque } from "../../deque.ts";
import { encodeBatch } from "./batch.ts";
import { MAX_BATCH, PREFIX_BYTES } from "./wire.ts";

/** Bytes of a batch at first, and at least: 64 kbit/s carry them in 2 s. One message may be longer. */
const LEAST_BATCH = 16 << 10;

/** ms: batches that take less may be larger, ... */
const QUICK = 250;
/** ... and those that take more must be smaller: nothing is heard until a batch is there whole. */
const SLOW = 1_000;

export class Outgoing {
  readonly #messages = new Deque<Uint8Array>();
  #bytes = 0;
  #limit = LEAST_BATCH;

  /** Bytes of the messages that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Largest batch that is given out now, in bytes. */
  get limit(): number {
    return this.#limit;
  }

  /** Keeps a copy: the bytes stay the caller's. */
  push(message: Uint8Array): void {
    this.#messages.push(Buffer.from(message));
    this.#bytes += message.length;
  }

  /** The next batch; empty when nothing waits. */
  take(): Buffer {
    const batch: Uint8Array[] = [];
    for (let size = 0; ; ) {
      const next = this.#messages.at(0);
      if (!next) break;
      size += PREFIX_BYTES + next.length;
      if (size > this.#limit && batch.length > 0) break;
      batch.push(next);
      this.#bytes -= next.length;
      this.#messages.shift();
    }
    return encodeBatch(batch);
  }

  /** Notes that a batch of `size` bytes took `ms` to the other side and back. */
  took(size: number, ms: number): void {
    if (ms > SLOW) this.#limit = Math.max(LEAST_BATCH, this.#limit / 2);
    // only a batch that was full says that a larger one would fit
    else if (ms < QUICK && size * 2 > this.#limit) this.#limit = Math.min(MAX_BATCH, this.#limit * 2);
  }

  clear(): void {
    this.#messages.clear();
    this.#bytes = 0;
  }
}

/** A pair of carriers joined in memory, for tests: delivers on microtasks, can be cut or stalled. */
import type { Carrier, CarrierHandlers } from "./carrier.ts";

export class MemoryCarrier implements Carrier {
  readonly kind = "memory";
  readonly peer: string;
  other!: MemoryCarrier;
  unsent = 0;
  closed = false;
  /** While true nothing that is sent leaves. */
  stalled = false;
  /** May change, drop (undefined) or repeat what is sent. */
  tamper: ((message: Buffer) => Buffer | undefined) | undefined;
  #handlers: CarrierHandlers | undefined;
  #queue: Buffer[] = [];
  #early: Buffer[] = [];
  #flushing = false;

  constructor(peer: string) {
    this.peer = peer;
  }

  attach(handlers: CarrierHandlers): void {
    this.#handlers = handlers;
    for (const message of this.#early.splice(0)) handlers.message(message);
  }

  send(message: Uint8Array): void {
    if (this.closed) return;
    this.#queue.push(Buffer.from(message));
    this.unsent += message.length;
    this.#flushSoon();
  }

  /** Lets go of what a stall held back. */
  resume(): void {
    this.stalled = false;
    this.#flushSoon();
  }

  #flushSoon(): void {
    if (this.#flushing || this.stalled) return;
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      if (this.stalled || this.closed) return;
      for (const message of this.#queue.splice(0)) {
        this.unsent -= message.length;
        const delivered = this.tamper ? this.tamper(message) : message;
        if (delivered !== undefined) this.other.#receive(delivered);
      }
      this.#handlers?.drain();
    });
  }

  #receive(message: Buffer): void {
    if (this.closed) return;
    if (this.#handlers) this.#handlers.message(message);
    else this.#early.push(message);
  }

  close(reason: string): void {
    queueMicrotask(() => {
      this.cut(reason);
    });
  }

  /** Breaks the pair at once, as a dead line would once noticed; what was unsent is lost. */
  cut(reason: string): void {
    for (const end of [this, this.other]) {
      if (end.closed) continue;
      end.closed = true;
      end.#queue = [];
      queueMicrotask(() => end.#handlers?.close(reason));
    }
  }
}

/** Two joined carriers: what one sends the other receives. */
export function memoryPair(): [MemoryCarrier, MemoryCarrier] {
  const a = new MemoryCarrier("b");
  const b = new MemoryCarrier("a");
  a.other = b;
  b.other = a;
  return [a, b];
}

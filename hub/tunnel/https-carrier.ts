/** A carrier that an agent opened with plain requests: the hub's end, as numbered batches, without HTTP itself. */

import { Arrivals, HOLD, Outgoing, WINDOW } from "../../common/carrier/https/index.ts";
import type { Carrier, CarrierHandlers } from "../../common/carrier/index.ts";
import type { Clock, Timer } from "../../common/clock.ts";
import { onceATurn } from "../../common/once-a-turn.ts";

/** Bytes that may wait for requests: what is kept for replay is sent in one go to a new carrier. */
export const MOST_WAITING = 32 << 20;
/** ms without a request for messages after which the agent is gone: it has some open, always. */
export const IDLE = 10_000;
/** ms for which a carrier that closes waits for the agent to fetch the rest and learn of it. */
export const LINGER = 2_000;

/** What came in one request. */
export interface Arrival {
  messages: Buffer[];
  /** Nothing comes after it: the agent closes the carrier. */
  last: boolean;
}

/**
 * What a request for messages is answered with: a batch; `gone`: the carrier is over; `again`: the request is
 * out of date, since the same one came once more or its batch is known to have arrived.
 */
export type Answer = Buffer | "gone" | "again";

interface Waiting {
  answer: (answer: Answer) => void;
  hold: Timer;
}

export class HttpsCarrier implements Carrier {
  readonly kind = "https";
  /** Resolves when nothing is left of it. */
  readonly over: Promise<void>;
  readonly #outgoing = new Outgoing();
  readonly #arrivals = new Arrivals<Arrival>();
  readonly #waiting = new Map<number, Waiting>();
  /** The number of the next batch to be given out. */
  #next = 0;
  /** Batches given out that may have got lost on the way, and when that was. */
  readonly #kept = new Map<number, { batch: Buffer; at: number }>();
  #handlers: CarrierHandlers | undefined;
  #idle: Timer | undefined;
  /** What is sent in one turn of the event loop goes out in one batch. */
  readonly #flushSoon = onceATurn(() => this.#flush());
  #closing: string | undefined;
  #finish: () => void = () => {};
  #finished = false;

  constructor(
    readonly peer: string,
    private readonly clock: Clock,
  ) {
    this.over = new Promise((resolve) => {
      this.#finish = resolve;
    });
    this.#watchIdle();
  }

  attach(handlers: CarrierHandlers): void {
    this.#handlers = handlers;
  }

  get unsent(): number {
    return this.#outgoing.bytes;
  }

  /** It was closed, by whichever side; what it was closed for. */
  get closed(): string | undefined {
    return this.#closing;
  }

  send(message: Uint8Array): void {
    if (this.#closing !== undefined) return;
    this.#outgoing.push(message);
    if (this.#outgoing.bytes > MOST_WAITING) this.#end("more waits than the agent fetches");
    else this.#flushSoon();
  }

  close(reason: string): void {
    if (this.#closing !== undefined) return;
    this.#closing = reason;
    this.#idle?.cancel();
    this.#idle = this.clock.after(LINGER, () => this.#end(reason));
    this.#flushSoon();
  }

  /** Ends it at once; what waits is lost. */
  fail(reason: string): void {
    this.#end(reason);
  }

  /** Whether a batch of this number may come from the agent now. */
  expects(number: number): boolean {
    return this.#arrivals.expects(number);
  }

  /** A batch from the agent, one that is expected; each counts once, however often it comes. */
  receive(number: number, arrival: Arrival): void {
    for (const { messages, last } of this.#arrivals.take(number, arrival)) {
      for (const message of messages) {
        if (this.#closing !== undefined) return;
        this.#handlers?.message(message);
      }
      if (last) this.#end("closed by the agent");
    }
  }

  /** The agent asks for batch `number`; `signal` says that it no longer waits for the answer. */
  poll(number: number, signal: AbortSignal): Promise<Answer> {
    const { promise, resolve } = Promise.withResolvers<Answer>();
    if (number < this.#next) {
      resolve(this.#kept.get(number)?.batch ?? "again");
    } else if (this.#finished || !this.#inStep(number)) {
      resolve("gone");
    } else {
      this.#acknowledge(number - WINDOW);
      this.#dismiss(number, "again");
      const hold = this.clock.after(HOLD, () => this.#expire(number));
      const waiting: Waiting = { answer: resolve, hold };
      this.#waiting.set(number, waiting);
      signal.addEventListener("abort", () => {
        if (this.#waiting.get(number) === waiting) this.#dismiss(number, "again");
        this.#watchIdle();
      });
      this.#watchIdle();
      this.#flushSoon();
    }
    return promise;
  }

  /** An agent asks for a batch only when it has all that are WINDOW below it; with any other the order is lost. */
  #inStep(number: number): boolean {
    if (number < this.#next + WINDOW) return true;
    this.#end("the agent asks for messages out of order");
    return false;
  }

  /** The agent has every batch up to `number`. */
  #acknowledge(number: number): void {
    for (const [kept, { batch, at }] of this.#kept) {
      if (kept > number) continue;
      this.#kept.delete(kept);
      this.#outgoing.took(batch.length, this.clock.now() - at);
    }
  }

  #flush(): void {
    const before = this.#outgoing.bytes;
    while (this.#outgoing.bytes > 0 && this.#waiting.has(this.#next)) this.#give(this.#outgoing.take());
    if (this.#outgoing.bytes > 0) return;
    if (this.#closing !== undefined)
      for (const number of [...this.#waiting.keys()]) this.#dismiss(number, "gone");
    else if (before > 0) this.#handlers?.drain();
  }

  /** Answers the request whose turn it is; it must be there. */
  #give(batch: Buffer): void {
    const number = this.#next++;
    this.#kept.set(number, { batch, at: this.clock.now() });
    this.#dismiss(number, batch);
    this.#watchIdle();
  }

  #dismiss(number: number, answer: Answer): void {
    const waiting = this.#waiting.get(number);
    this.#waiting.delete(number);
    waiting?.hold.cancel();
    waiting?.answer(answer);
  }

  /** A request was held as long as the line lets it: it, and those before it, get an empty batch. */
  #expire(number: number): void {
    while (this.#next <= number && this.#waiting.has(this.#next)) this.#give(Buffer.alloc(0));
  }

  #watchIdle(): void {
    if (this.#closing !== undefined) return;
    if (this.#waiting.size > 0) {
      this.#idle?.cancel();
      this.#idle = undefined;
    } else {
      this.#idle ??= this.clock.after(IDLE, () =>
        this.#end(`the agent asked for nothing for ${IDLE / 1000} s`),
      );
    }
  }

  #end(reason: string): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#closing ??= reason;
    this.#idle?.cancel();
    for (const number of [...this.#waiting.keys()]) this.#dismiss(number, "gone");
    this.#outgoing.clear();
    this.#kept.clear();
    this.#finish();
    this.#handlers?.close(this.#closing);
  }
}

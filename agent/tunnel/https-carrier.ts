/** The agent's end of a carrier over plain requests. */

import {
  Arrivals,
  CARRIER_HEADER,
  CONTENT_TYPE,
  decodeBatch,
  HOLD,
  NUMBER_HEADER,
  Outgoing,
  PATHS,
  WINDOW,
} from "../../common/carrier/https/index.ts";
import type { Carrier, CarrierHandlers } from "../../common/carrier/index.ts";
import type { Clock } from "../../common/clock.ts";
import { reasonOf } from "../../common/errors.ts";
import { onceATurn } from "../../common/once-a-turn.ts";
import type { HttpAnswer, HttpClient } from "../http/index.ts";

/** ms for a batch to cross and for its answer; for a request for messages, besides HOLD. */
const TRANSFER = 40_000;
/** ms for the last words: on a dead line they never arrive, and an agent that is told to stop waits for them. */
const CLOSE_WITHIN = 2_000;
/**
 * Times that a request may fail at once: a proxy may close an idle connection just when it is used, or restart,
 * and as it does may take the same request for messages with it that it took a moment ago.
 */
const FAILURES = WINDOW;
/** ms: a request that was under way for so long before it failed had been taken up, and does not count. */
const AT_ONCE = 1_000;
/** Bytes of the hub's reason for closing that are looked at. */
const MOST_REASON = 100;

/** What a request came to: the hub's messages, or the carrier's end; `rest`: the hub may still have messages. */
type Outcome = { messages: Buffer[] } | { gone: string; rest?: boolean };

export class HttpsCarrier implements Carrier {
  readonly kind = "https";
  readonly #outgoing = new Outgoing();
  readonly #arrivals = new Arrivals<Outcome>();
  #handlers: CarrierHandlers | undefined;
  /** The number of the next request for messages, and of the next batch to send. */
  #asked = 0;
  #sent = 0;
  /** The hub's word that it has each batch. */
  readonly #taken = new Arrivals<true>();
  /** What is sent in one turn of the event loop goes out in one batch. */
  readonly #flushSoon = onceATurn(() => this.#flush());
  #closing: string | undefined;
  #closeSent = false;
  /** The hub takes no more. */
  #refused = false;
  #closed = false;

  constructor(
    private readonly client: Pick<HttpClient, "post" | "dropIdle" | "close">,
    private readonly id: string,
    readonly peer: string,
    private readonly clock: Clock,
  ) {}

  attach(handlers: CarrierHandlers): void {
    this.#handlers = handlers;
    this.#ask();
  }

  get unsent(): number {
    return this.#outgoing.bytes;
  }

  send(message: Uint8Array): void {
    if (this.#closing !== undefined || this.#refused || this.#closed) return;
    this.#outgoing.push(message);
    this.#flushSoon();
  }

  close(reason: string): void {
    if (this.#closing !== undefined || this.#closed) return;
    this.#closing = reason;
    this.clock.after(CLOSE_WITHIN, () => this.#end(reason));
    this.#flushSoon();
  }

  /** Keeps as many requests for messages open as may be. */
  #ask(): void {
    while (!this.#closed && this.#asked < this.#arrivals.next + WINDOW) void this.#askFor(this.#asked++);
  }

  async #askFor(number: number): Promise<void> {
    const outcome = await this.#request(PATHS.down, number, Buffer.alloc(0), HOLD + TRANSFER);
    for (const due of this.#arrivals.take(number, outcome)) {
      if ("gone" in due) return this.#end(due.gone);
      for (const message of due.messages) {
        if (this.#closed || this.#closing !== undefined) return;
        this.#handlers?.message(message);
      }
    }
    this.#ask();
  }

  #flush(): void {
    const before = this.#outgoing.bytes;
    while (!this.#closed && this.#outgoing.bytes > 0 && this.#taken.expects(this.#sent)) {
      void this.#deliver(PATHS.up, this.#outgoing.take());
    }
    if (this.#closed || this.#outgoing.bytes > 0) return;
    if (this.#closing !== undefined) void this.#farewell(this.#closing);
    else if (before > 0) this.#handlers?.drain();
  }

  async #deliver(path: string, batch: Buffer): Promise<void> {
    const began = this.clock.now();
    const number = this.#sent++;
    const outcome = await this.#request(path, number, batch, TRANSFER);
    if ("gone" in outcome) return this.#onRefusal(outcome);
    this.#outgoing.took(batch.length, this.clock.now() - began);
    this.#taken.take(number, true);
    this.#flush();
  }

  /** The hub takes nothing more. What it said last, such as why, is still to be fetched. */
  #onRefusal({ gone, rest }: { gone: string; rest?: boolean }): void {
    if (!rest) return this.#end(gone);
    if (this.#refused) return;
    this.#refused = true;
    this.#outgoing.clear();
    this.clock.after(CLOSE_WITHIN, () => this.#end(gone));
  }

  /** The last batch, an empty one; then the end. */
  async #farewell(reason: string): Promise<void> {
    if (this.#closeSent || !this.#taken.expects(this.#sent)) return;
    this.#closeSent = true;
    await this.#deliver(PATHS.close, Buffer.alloc(0));
    this.#end(reason);
  }

  /** Sends a request, and again when there is no answer to it: the hub takes and gives each batch once. */
  async #request(path: string, number: number, body: Buffer, timeout: number): Promise<Outcome> {
    const headers = {
      "content-type": CONTENT_TYPE,
      [CARRIER_HEADER]: this.id,
      [NUMBER_HEADER]: String(number),
    };
    for (let failures = 0; ; ) {
      const began = this.clock.now();
      try {
        return outcomeOf(await this.client.post({ path, headers, body, timeout }), number);
      } catch (error) {
        failures = this.clock.now() - began < AT_ONCE ? failures + 1 : 0;
        if (this.#closed || failures > FAILURES) return { gone: reasonOf(error) };
        this.client.dropIdle();
      }
    }
  }

  #end(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#outgoing.clear();
    this.client.close();
    this.#handlers?.close(this.#closing ?? reason);
  }
}

/** Throws when it is no answer of the hub's, or none to this request: from a gateway that failed, or a cache. */
function outcomeOf(answer: HttpAnswer, number: number): Outcome {
  const { status, headers, body } = answer;
  if (status === 410 || status === 404) {
    return { gone: body.toString("utf8", 0, MOST_REASON).trim() || "closed", rest: status === 410 };
  }
  if (status !== 200 || headers[NUMBER_HEADER] !== String(number)) {
    throw new Error(`a request was answered with HTTP status ${status}, and not by the hub`);
  }
  return { messages: decodeBatch(body) };
}

/** One request and its answer: what passes is followed, so that the end of both is known, and not kept. */

import type { Clock } from "../../common/clock.ts";
import { Deadline } from "../../common/deadline.ts";
import type { ResetReason, StreamHandlers } from "../../common/mux/index.ts";
import { Body } from "./body.ts";
import { requestHead, responseHead, type Wishes, wishesOf } from "./forward.ts";
import { type Framing, responseFraming } from "./framing.ts";
import {
  HeadReader,
  listOf,
  malformed,
  parseResponse,
  type RequestHead,
  type ResponseHead,
  valuesOf,
} from "./head.ts";
import { HttpRefusal } from "./refusal.ts";
import type { SyncEnd } from "./syncs.ts";
import type { Upstream } from "./upstream.ts";

export interface ExchangeEvents {
  /** Bytes for the client that are the hub's own. */
  say(bytes: Buffer): void;
  /** Bytes of the answer; `consumed` is owed for them. */
  relay(chunk: Buffer): void;
  /** After `send` was put back: more of the request can be sent. */
  drain(): void;
  /** All has come. @param close the client's connection ends behind it */
  whole(close: boolean): void;
  /** Nothing of an answer will come. */
  failed(refusal: HttpRefusal): void;
  /** The rest of the answer will not come. */
  broken(): void;
  /** Both sides have left HTTP. @param rest what came of the other protocol already */
  switched(rest: Buffer): void;
}

export interface ExchangeOptions {
  head: RequestHead;
  framing: Framing;
  /** The client's address. */
  client: string;
  upstream: Upstream;
  events: ExchangeEvents;
  clock: Clock;
  /** ms in which nothing moves before it is given up. */
  timeout: number;
  /** Bytes of the answer's body that `ended` wants to see. */
  wanted: number;
  /** It is over, one way or another. */
  ended: ((end: SyncEnd) => void) | undefined;
}

/** Interim answers (1xx) to one request at most. */
const MOST_INTERIM = 16;
/** Asking twice is as good as once, and there is no body to send again (RFC 9110, section 9.2.2). */
const REPEATABLE = new Set(["GET", "HEAD", "OPTIONS"]);

/** Why a stream was reset, in words for who asked. */
const REASONS: Record<ResetReason, string> = {
  cancelled: "the site's web server broke the connection",
  serviceUnknown: "its agent offers no web server",
  serviceRefused: "its agent does not allow this",
  targetUnreachable: "its agent cannot reach the site's web server",
  limit: "too many connections to the site are open",
  sessionLost: "the connection to the site was lost",
  internal: "the agent could not serve the request",
};

export class Exchange implements StreamHandlers {
  readonly #options: ExchangeOptions;
  readonly #wishes: Wishes;
  readonly #request: Body;
  readonly #reader = new HeadReader();
  readonly #deadline: Deadline;
  /** Of the answer, once its head is there. */
  #response: Body | undefined;
  #status: number | undefined;
  #interim = 0;
  /** The client's connection ends behind the answer; the stream may serve the next request. */
  #close = false;
  #keep = false;
  /** The end of the stream is that of the answer. */
  #untilClose = false;
  /** The site has not taken what was sent. */
  #blocked = false;
  /** Something of an answer has come. */
  #touched = false;
  #over = false;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#wishes = wishesOf(options.head);
    this.#request = new Body(options.framing);
    this.#deadline = new Deadline(options.clock, () => this.#late());
  }

  /** Begins; events may come before this returns. */
  start(): void {
    const { upstream, head, client } = this.#options;
    upstream.take(this);
    this.#blocked = !upstream.write(requestHead(head, this.#wishes, client));
    this.#moved();
  }

  /** The client's body is to wait for `drain`. */
  get blocked(): boolean {
    return this.#blocked;
  }

  /** Some of the answer is with the client: nothing else can be said in its place. */
  get begun(): boolean {
    return this.#response !== undefined;
  }

  /** The client has not sent all of the request. */
  get unfinished(): boolean {
    return !this.#request.done;
  }

  /** It failed because the server had closed a connection that was kept; on a new one it would not. */
  get repeatable(): boolean {
    const { upstream, head, framing } = this.#options;
    return !this.#touched && upstream.reused && framing === "none" && REPEATABLE.has(head.method);
  }

  /** Takes what the client sends, and gives how much of it was for this request. Throws HttpRefusal. */
  send(piece: Buffer): number {
    if (this.#request.done || this.#over) return 0;
    const taken = this.#request.take(piece);
    this.#moved();
    if (taken > 0) this.#blocked = !this.#options.upstream.write(piece.subarray(0, taken));
    return taken;
  }

  /** Bytes of the answer are with the client: the site may send as many more. */
  consumed(bytes: number): void {
    if (!this.#over) this.#moved();
    this.#options.upstream.consumed(bytes);
  }

  /** Gives it up; nothing is told any more. */
  cancel(reason: string): void {
    if (this.#over) return;
    this.#finish(reason);
    this.#options.upstream.drop();
  }

  data(chunk: Buffer): void {
    if (this.#over) return;
    this.#moved();
    this.#touched = true;
    try {
      if (this.#response) this.#relay(chunk, this.#response);
      else this.#heads(chunk);
    } catch (error) {
      if (!(error instanceof HttpRefusal)) throw error;
      this.#fail(502, `the site's web server sent what cannot be understood (${error.message})`);
    }
  }

  end(): void {
    if (this.#over) return;
    if (this.#response && this.#untilClose) this.#whole();
    else this.#fail(502, "the site's web server closed the connection without an answer");
  }

  drain(): void {
    this.#blocked = false;
    this.#moved();
    this.#options.events.drain();
  }

  reset(reason: ResetReason): void {
    this.#fail(reason === "limit" ? 503 : 502, REASONS[reason]);
  }

  #heads(chunk: Buffer): void {
    const { upstream, head: request, events } = this.#options;
    this.#reader.push(chunk);
    for (let text = this.#reader.next(); text !== undefined; text = this.#reader.next()) {
      const head = parseResponse(text);
      if (head.status < 200 && head.status !== 101) {
        if (++this.#interim > MOST_INTERIM) throw malformed("too many interim answers");
        if (request.version === "1.1") events.say(responseHead(head, undefined, false));
        continue;
      }
      const rest = this.#reader.rest();
      upstream.consumed(chunk.length - rest.length);
      if (head.status === 101) this.#switch(head, rest);
      else this.#answer(head, rest);
      return;
    }
    upstream.consumed(chunk.length);
  }

  #answer(head: ResponseHead, rest: Buffer): void {
    const { head: request, events, wanted } = this.#options;
    const framing = responseFraming(head, request.method, request.version);
    this.#untilClose = framing === "close";
    // a client that is answered before it has sent all may not send the rest, so nothing can follow
    this.#close = this.#wishes.close || !this.#request.done || this.#untilClose;
    this.#keep = !this.#close && head.version === "1.1" && !listOf(head, "connection").includes("close");
    this.#status = head.status;
    const readable = valuesOf(head, "content-encoding").length === 0;
    this.#response = new Body(framing, readable ? wanted : 0);
    events.say(responseHead(head, valuesOf(request, "host")[0], this.#close));
    this.#relay(rest, this.#response);
  }

  #relay(piece: Buffer, response: Body): void {
    const { upstream, events } = this.#options;
    const taken = response.take(piece);
    if (taken > 0) events.relay(piece.subarray(0, taken));
    if (taken < piece.length) {
      // what nobody asked for may be meant as the answer to the next request
      this.#keep = false;
      upstream.consumed(piece.length - taken);
    }
    if (response.done && !this.#over) this.#whole();
  }

  #switch(head: ResponseHead, rest: Buffer): void {
    const { upstream, events } = this.#options;
    if (this.#wishes.upgrade === undefined || !this.#request.done) throw malformed("101, unasked");
    events.say(responseHead(head, undefined, false));
    this.#status = head.status;
    this.#finish(undefined);
    upstream.consumed(rest.length);
    events.switched(rest);
  }

  #whole(): void {
    const { upstream, events } = this.#options;
    this.#finish(undefined);
    if (this.#keep && this.#request.done) upstream.rest();
    else upstream.drop();
    events.whole(this.#close);
  }

  #late(): void {
    const seconds = this.#options.timeout / 1000;
    if (this.#request.done || this.#blocked)
      this.#fail(504, `the site's web server did not answer within ${seconds} s`);
    else this.#fail(408, `nothing more of the request came within ${seconds} s`);
  }

  #fail(status: 408 | 502 | 503 | 504, reason: string): void {
    if (this.#over) return;
    const { upstream, events } = this.#options;
    this.#finish(reason);
    upstream.drop();
    if (this.begun) events.broken();
    else events.failed(new HttpRefusal(status, reason));
  }

  #moved(): void {
    if (!this.#over) this.#deadline.set(this.#options.timeout);
  }

  #finish(reason: string | undefined): void {
    this.#over = true;
    this.#deadline.clear();
    this.#options.ended?.({
      sent: this.#request.payload,
      received: this.#response?.payload ?? 0,
      ...(this.#status !== undefined && { status: this.#status }),
      ...(reason !== undefined && { reason }),
      start: this.#response?.start ?? "",
    });
  }
}

/** One client of a site's web server: takes its requests one after another, and gives it the answers. */

import type { Socket } from "node:net";
import { breakOff } from "../../common/break-off.ts";
import type { Clock } from "../../common/clock.ts";
import { Deadline } from "../../common/deadline.ts";
import { LAST_WORDS, Unseen } from "../../common/drain.ts";
import { join, type Stream } from "../../common/mux/index.ts";
import { Exchange } from "./exchange.ts";
import { type Framing, requestFraming } from "./framing.ts";
import { HeadReader, parseRequest, type RequestHead } from "./head.ts";
import { HttpRefusal, refusalAnswer } from "./refusal.ts";
import { START_BYTES, type SyncEnd } from "./syncs.ts";
import { Upstream } from "./upstream.ts";

export interface ClientLimits {
  /** ms from the first byte of a head to its last. */
  headTimeout: number;
  /** ms after which a client that asks nothing is disconnected. */
  idleTimeout: number;
  /** ms in which nothing of a request or its answer moves before it is given up. */
  answerTimeout: number;
}

/** What a client needs of the service. */
export interface ClientHost {
  readonly limits: ClientLimits;
  readonly clock: Clock;
  /** Why no stream can be opened now; undefined when one can. */
  readonly unreachable: string | undefined;
  open(): Stream | undefined;
  /** The hub answers a request itself. */
  refused(refusal: HttpRefusal, client: string): void;
  /** A request begins; gives who wants to know how it ends. */
  watch(head: RequestHead): ((end: SyncEnd) => void) | undefined;
}

/** The first byte of TLS (RFC 8446, 5.1), which begins no request. */
const TLS_HANDSHAKE = 0x16;
/** Bytes of further requests that are read while one is answered. */
const READ_AHEAD = 64 << 10;
/** ms for a client to go on sending or to go, once it has been told all, and ms for that altogether (as Apache). */
const LINGER = 2_000;
const LONGEST_LINGER = 30_000;

export class Client {
  readonly #socket: Socket;
  readonly #host: ClientHost;
  readonly #done: () => void;
  /** Its address; a Unix socket is of this machine. */
  readonly #address: string;
  readonly #reader = new HeadReader();
  readonly #deadline: Deadline;
  readonly #listeners: Record<string, (chunk: Buffer) => void>;
  #exchange: Exchange | undefined;
  #upstream: Upstream | undefined;
  /** The exchange whose bytes the socket has not taken, and how many. */
  #owed: { to: Exchange; bytes: number } | undefined;
  /** The socket takes no more for now. */
  #full = false;
  #spoken = false;
  #ended = false;
  #paused = false;
  #serving = false;
  #timingHead = false;
  /** All has been said. Until when what still comes is thrown away; undefined: until all has left. */
  #closing = false;
  #lingerUntil: number | undefined;
  #draining = false;
  /** Once bytes pass as they are. */
  readonly #unseen: Unseen;

  constructor(socket: Socket, host: ClientHost, done: () => void) {
    this.#socket = socket;
    this.#host = host;
    this.#done = done;
    this.#address = socket.remoteAddress ?? "127.0.0.1";
    this.#deadline = new Deadline(host.clock, () => this.#late());
    this.#unseen = new Unseen(host.clock);
    this.#listeners = {
      data: (chunk: Buffer) => this.#data(chunk),
      end: () => {
        this.#ended = true;
        this.#endOfRequests();
        this.#serve();
      },
      drain: () => this.#drained(),
      finish: () => {
        this.#lingerUntil = host.clock.now() + LONGEST_LINGER;
        this.#linger();
      },
      error: () => {},
      close: () => this.#leave(),
    };
    socket.setNoDelay(true);
    for (const [event, listener] of Object.entries(this.#listeners)) socket.on(event, listener);
    this.#deadline.set(host.limits.idleTimeout);
  }

  #data(chunk: Buffer): void {
    if (this.#closing) this.#linger();
    else if (!this.#spoken && chunk[0] === TLS_HANDSHAKE) this.#passOn(chunk);
    else {
      this.#spoken = true;
      this.#take(chunk);
      this.#serve();
    }
  }

  /** No more comes. A body that is not whole never will be: the site must not go on waiting for it. */
  #endOfRequests(): void {
    if (this.#closing || !this.#exchange?.unfinished || this.#exchange.begun) return;
    this.#refuse(new HttpRefusal(400, "the client ended before its request was whole"));
  }

  /** What is not of the request under way is kept for the next one. */
  #take(chunk: Buffer): void {
    try {
      const taken = this.#exchange?.send(chunk) ?? 0;
      if (taken < chunk.length) this.#reader.push(chunk.subarray(taken));
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** Goes on with what is there, as far as it gets. */
  #serve(): void {
    if (this.#serving) return;
    this.#serving = true;
    while (!this.#exchange && !this.#closing && !this.#full) {
      if (!this.#next()) break;
    }
    this.#serving = false;
    this.#flow();
  }

  /** Begins the next request, if it is there. */
  #next(): boolean {
    let head: RequestHead | undefined;
    try {
      const text = this.#reader.next();
      if (text === undefined) {
        if (this.#ended) this.#finish();
        return false;
      }
      this.#timingHead = false;
      head = parseRequest(text);
      this.#ask(head, requestFraming(head));
    } catch (error) {
      this.#refuse(error, head?.method);
    }
    return true;
  }

  /** Sends a request on. Throws HttpRefusal when there is no way to the site. */
  #ask(head: RequestHead, framing: Framing): void {
    const { unreachable, clock, limits, watch } = this.#host;
    const ended = watch(head);
    const upstream = unreachable === undefined ? this.#connect() : undefined;
    if (!upstream) {
      const reason = unreachable ?? this.#host.unreachable ?? "the site takes no more connections now";
      ended?.({ sent: 0, received: 0, reason, start: "" });
      throw new HttpRefusal(503, reason);
    }
    const over = (then: () => void) => {
      this.#exchange = undefined;
      if (!this.#closing) then();
      this.#serve();
    };
    const exchange = new Exchange({
      head,
      framing,
      client: this.#address,
      upstream,
      clock,
      timeout: limits.answerTimeout,
      wanted: ended ? START_BYTES : 0,
      ended,
      events: {
        say: (bytes) => this.#say(bytes),
        relay: (chunk) => this.#relay(chunk, exchange),
        drain: () => this.#flow(),
        whole: (close) => over(() => (close || this.#lastAnswered) && this.#finish()),
        failed: (refusal) =>
          over(() =>
            exchange.repeatable ? this.#askAgain(head, framing) : this.#refuse(refusal, head.method),
          ),
        broken: () => over(() => this.#abort()),
        switched: (rest) => this.#switch(upstream, rest),
      },
    });
    this.#exchange = exchange;
    exchange.start();
    this.#take(this.#reader.rest());
  }

  #askAgain(head: RequestHead, framing: Framing): void {
    try {
      this.#ask(head, framing);
    } catch (error) {
      this.#refuse(error, head.method);
    }
  }

  #connect(): Upstream | undefined {
    if (this.#upstream?.usable) return this.#upstream;
    const stream = this.#host.open();
    this.#upstream = stream && new Upstream(stream, this.#host.clock);
    return this.#upstream;
  }

  #say(bytes: Buffer): void {
    if (!this.#socket.write(bytes)) this.#full = true;
  }

  #relay(chunk: Buffer, exchange: Exchange): void {
    if (this.#socket.write(chunk)) exchange.consumed(chunk.length);
    else {
      this.#full = true;
      this.#owed = { to: exchange, bytes: (this.#owed?.bytes ?? 0) + chunk.length };
    }
  }

  #drained(): void {
    const owed = this.#owed;
    this.#full = false;
    this.#owed = undefined;
    owed?.to.consumed(owed.bytes);
    this.#serve();
  }

  /** The client speaks TLS with the site itself: nothing of it can be understood here. */
  #passOn(chunk: Buffer): void {
    const stream = this.#host.open();
    if (!stream) this.#abort();
    else this.#join(stream, chunk);
  }

  #switch(upstream: Upstream, rest: Buffer): void {
    this.#exchange = undefined;
    if (rest.length > 0) this.#socket.write(rest);
    this.#join(upstream.release(), this.#reader.rest());
  }

  /** From here on bytes pass as they are. @param chunk what has come of them already */
  #join(stream: Stream, chunk: Buffer): void {
    this.#deadline.clear();
    // nothing is done on its behalf any more
    this.#closing = true;
    for (const [event, listener] of Object.entries(this.#listeners)) this.#socket.off(event, listener);
    const leave = this.#unseen.enter();
    const done = () => {
      leave();
      this.#done();
    };
    join(this.#socket, stream, { deliver: "stream", done });
    if (!stream.write(chunk)) this.#socket.pause();
    else this.#socket.resume();
    if (this.#ended) stream.end();
  }

  /** Says why, if nothing has been said to the request yet; the connection ends either way. */
  #refuse(error: unknown, method?: string): void {
    if (!(error instanceof HttpRefusal)) throw error;
    if (this.#exchange?.begun) {
      this.#abort();
      return;
    }
    this.#exchange?.cancel(error.message);
    this.#exchange = undefined;
    this.#host.refused(error, this.#address);
    this.#say(refusalAnswer(error, method));
    this.#finish();
  }

  /** No more requests are taken, and all that have come are answered. */
  get #lastAnswered(): boolean {
    return this.#draining && this.#reader.held === 0;
  }

  /** Answers what has come, and then ends. */
  drain(): void {
    this.#draining = true;
    this.#flow();
  }

  /** Whether it waits for something, or may be about to ask. */
  get underWay(): boolean {
    const told = this.#lingerUntil !== undefined || this.#socket.destroyed;
    return this.#unseen.young > 0 || !(this.#closing && told);
  }

  /** Answers whatever it asks with a reason, and ends. */
  turnAway(reason: string): void {
    this.#refuse(new HttpRefusal(503, reason));
  }

  /** Reads on or pauses, and sets the time until something must have happened. */
  #flow(): void {
    if (this.#closing) return;
    const { answerTimeout, headTimeout, idleTimeout } = this.#host.limits;
    const busy = this.#exchange !== undefined || this.#full;
    this.#pause((this.#exchange?.blocked ?? false) || (busy && this.#reader.held > READ_AHEAD));
    if (this.#exchange) this.#deadline.clear();
    else if (this.#full) this.#deadline.set(answerTimeout);
    else if (this.#reader.held === 0) this.#deadline.set(this.#draining ? LAST_WORDS : idleTimeout);
    else if (!this.#timingHead) {
      this.#timingHead = true;
      this.#deadline.set(headTimeout);
    }
  }

  #pause(paused: boolean): void {
    if (paused === this.#paused) return;
    this.#paused = paused;
    if (paused) this.#socket.pause();
    else this.#socket.resume();
  }

  #late(): void {
    if (this.#closing) this.#socket.destroy();
    else if (this.#full) this.#abort();
    else if (this.#reader.held === 0) this.#finish();
    else {
      const seconds = this.#host.limits.headTimeout / 1000;
      this.#refuse(new HttpRefusal(408, `the head of a request was not complete within ${seconds} s`));
    }
  }

  /** Ends the connection behind what has been said. */
  #finish(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#exchange?.cancel("the client was disconnected");
    this.#upstream?.drop();
    this.#deadline.set(this.#host.limits.answerTimeout);
    // what still comes is thrown away: unread, it would break the connection before the answer is read
    this.#pause(false);
    this.#socket.end();
  }

  /** Breaks the connection, so that what was said cannot be taken for all there is. */
  #abort(): void {
    if (this.#closing) return;
    this.#closing = true;
    breakOff(this.#socket);
  }

  /** All has left. A client that goes on sending is heard to its end, but not for ever. */
  #linger(): void {
    if (this.#lingerUntil === undefined) return;
    this.#deadline.set(Math.min(LINGER, Math.max(0, this.#lingerUntil - this.#host.clock.now())));
  }

  /** The connection is gone. */
  #leave(): void {
    this.#closing = true;
    this.#deadline.clear();
    this.#exchange?.cancel("the client went away");
    this.#exchange = undefined;
    this.#upstream?.drop();
    this.#done();
  }
}

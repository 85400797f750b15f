/** One client of a site's Livestatus: takes its requests one after another, and gives it the answers. */

import type { Socket } from "node:net";
import type { Clock } from "../../common/clock.ts";
import { Deadline } from "../../common/deadline.ts";
import { LAST_WORDS } from "../../common/drain.ts";
import {
  errorAnswer,
  keepsAlive,
  Refusal,
  type Request,
  RequestReader,
  requestBytes,
  waitOf,
  wantsFixed16,
} from "../../common/livestatus/index.ts";
import type { Log } from "../../common/log.ts";
import { join, type Stream } from "../../common/mux/index.ts";
import { shownAddress } from "../../common/network.ts";
import type { Asking } from "./asking.ts";
import type { AnswerEvents } from "./exchange.ts";
import { BETWEEN_US, type Flights, type StaticResult } from "./flights.ts";
import { Outlet } from "./outlet.ts";
import type { Question } from "./question.ts";

export interface ClientLimits {
  /** ms in which neither the core sends nor the client takes anything before an answer is given up. */
  queryTimeout: number;
  /** ms for a request that has begun to come. */
  requestTimeout: number;
  /** ms after which a client that asks nothing is disconnected. */
  idleTimeout: number;
}

/** What clients need of their gate or view. */
export interface ClientHost {
  readonly limits: ClientLimits;
  readonly clock: Clock;
  readonly log: Log;
  readonly flights: Flights;
  readonly longestRequest: number;
  /** Why nothing can be asked of the core now. */
  readonly unreachable: Refusal | undefined;
  verdict(request: Request, client: string): Refusal | undefined;
  asking(who: string, question: Question, events: AnswerEvents): Answering;
  /** A client sent what is no request, or too long for one. */
  malformed(refusal: Refusal, client: string): void;
  /** A stream on which a client may say what it likes; undefined where that is not allowed, or not possible. */
  openUnseen(client: string): Stream | undefined;
}

export interface ClientOptions {
  host: ClientHost;
  /** Bytes of requests that it keeps here, more or less than before. False: too many. */
  hold: (bytes: number) => boolean;
  /** It speaks TLS, and is not passed on; undefined where it may be. */
  opaque?: (() => void) | undefined;
  /** It speaks with the core from now on, and nothing of it can be understood. */
  passedOn: () => void;
  /** It is gone. */
  done: () => void;
}

/** What a client sees of a question under way. */
export type Answering = Pick<Asking, "start" | "begun" | "consumed" | "cancel">;

/** A request that is whole, and why it may not go on. */
interface Taken {
  request: Request;
  refusal: Refusal | undefined;
}

/** The first byte of TLS (RFC 8446, 5.1), which begins no Livestatus request. */
const TLS_HANDSHAKE = 0x16;
/** Bytes of further requests that are read while one is answered. */
const READ_AHEAD = 64 << 10;

export class Client {
  readonly #socket: Socket;
  readonly #options: ClientOptions;
  readonly #host: ClientHost;
  readonly #reader: RequestReader;
  readonly #out: Outlet;
  readonly #deadline: Deadline;
  /** Where it is: an address, or "unix". */
  readonly #who: string;
  readonly #listeners: Record<string, (chunk: Buffer) => void>;
  #spoken = false;
  /** Taken, but its turn comes later. */
  #next: Taken | Refusal | undefined;
  /** A request is being answered. */
  #busy = false;
  /** The query that is given up when the client leaves. */
  #asking: Answering | undefined;
  #ended = false;
  #gone = false;
  #paused = false;
  #serving = false;
  #timingRequest = false;
  #held = 0;
  #draining = false;

  constructor(socket: Socket, options: ClientOptions) {
    const { host } = options;
    this.#socket = socket;
    this.#options = options;
    this.#host = host;
    this.#reader = new RequestReader({ longest: host.longestRequest });
    this.#out = new Outlet({ socket, clock: host.clock, patience: host.limits.queryTimeout });
    this.#deadline = new Deadline(host.clock, () => this.#late());
    this.#who = shownAddress(socket.remoteAddress ?? "unix");
    this.#listeners = {
      data: (chunk: Buffer) => this.#data(chunk),
      end: () => {
        this.#ended = true;
        this.#reader.end();
        this.#serve();
      },
      drain: () => {
        this.#out.drained();
        this.#serve();
      },
      finish: () => this.#out.finished(),
      error: () => {},
      close: () => {
        this.#leave();
        options.done();
      },
    };
    socket.setNoDelay(true);
    for (const [event, listener] of Object.entries(this.#listeners)) socket.on(event, listener);
    this.#deadline.set(host.limits.idleTimeout);
  }

  #data(chunk: Buffer): void {
    if (this.#out.closing) return;
    if (!this.#spoken && chunk[0] === TLS_HANDSHAKE) {
      this.#passOn(chunk);
      return;
    }
    this.#spoken = true;
    this.#reader.push(chunk);
    this.#serve();
  }

  /** The client speaks TLS with the core itself: nothing of it can be understood here. */
  #passOn(chunk: Buffer): void {
    const { opaque, passedOn, done } = this.#options;
    const stream = opaque ? undefined : this.#host.openUnseen(this.#who);
    if (!stream) {
      opaque?.();
      this.abort();
      return;
    }
    this.#deadline.clear();
    for (const [event, listener] of Object.entries(this.#listeners)) this.#socket.off(event, listener);
    passedOn();
    join(this.#socket, stream, { deliver: "stream", done });
    if (!stream.write(chunk)) this.#socket.pause();
  }

  /** Goes on with what is there, as far as it gets. */
  #serve(): void {
    if (this.#serving) return;
    this.#serving = true;
    while (!this.#busy && !this.#out.closing && !this.#out.blocked) {
      const taken = this.#take();
      if (taken === undefined) {
        if (this.#ended || this.#gone) this.#out.finish();
        break;
      }
      if (taken instanceof Refusal) {
        this.#host.malformed(taken, this.#who);
        this.#refuseAll(taken);
      } else this.#handle(taken);
    }
    this.#serving = false;
    this.#flow();
  }

  #take(): Taken | Refusal | undefined {
    const taken = this.#next;
    this.#next = undefined;
    if (taken) return taken;
    const request = this.#reader.next();
    if (request === undefined || request instanceof Refusal) return request;
    this.#timingRequest = false;
    return { request, refusal: request.method && this.#host.verdict(request, this.#who) };
  }

  #handle({ request, refusal }: Taken): void {
    if (!request.method) {
      // as every core does
      this.#host.log.debug("no livestatus request", { client: this.#who });
      this.#out.finish();
    } else if (refusal) this.#answerError(request, refusal);
    else if (request.method === "COMMAND") this.#command(request);
    // a command is carried out also for one who has left; nobody would read an answer
    else if (!this.#gone) this.#query(request);
  }

  #query(request: Request): void {
    const { unreachable, flights } = this.#host;
    if (unreachable) {
      this.#answerError(request, unreachable);
      return;
    }
    const key = flights.key(request);
    if (key === undefined) {
      this.#ask([], request);
      return;
    }
    this.#busy = true;
    flights.take(key, request, this.#who, (result) => {
      this.#busy = false;
      if (!this.#gone && !this.#out.closing) this.#answerStatic(request, result);
      this.#serve();
    });
  }

  #answerStatic(request: Request, result: StaticResult): void {
    if (result === "ask-yourself") this.#ask([], request);
    else if (result === "no-answer") this.#out.finish();
    else if (result instanceof Refusal) this.#answerError(request, result);
    else {
      this.#out.say(result);
      this.#answered(request);
    }
  }

  /** Commands that wait together go together, and with them a query that must not overtake them. */
  #command(first: Request): void {
    const commands = [requestBytes(first)];
    let last = first;
    let query: Request | undefined;
    // one with headers may have an answer, which must not be taken for that of the query behind it
    while (last.headers.length === 0 && last.ended === "line") {
      const taken = this.#take();
      const request = taken instanceof Refusal || taken?.refusal ? undefined : taken?.request;
      if (request?.method === "COMMAND" && request.headers.length === 0) {
        commands.push(requestBytes(request));
        last = request;
        continue;
      }
      if (request?.method === "GET" && this.#host.flights.key(request) === undefined) query = request;
      else this.#next = taken;
      break;
    }
    this.#ask(commands, query);
  }

  /** Asks the core: commands, a query, or both. */
  #ask(commands: Buffer[], query: Request | undefined): void {
    this.#busy = true;
    const bytes = query ? [...commands, requestBytes(query, BETWEEN_US)] : commands;
    const question: Question = {
      bytes,
      fixed16: query !== undefined && wantsFixed16(query),
      // without a query the core's own end says that it has done what came before
      halfClose: query?.ended !== "line",
      wait: query ? waitOf(query) : 0,
    };
    const over = (then: () => void) => () => {
      this.#busy = false;
      this.#asking = undefined;
      if (!this.#out.closing) then();
      this.#serve();
    };
    const asking = this.#host.asking(this.#who, question, {
      data: (chunk) => this.#out.relay(chunk, asking),
      whole: over(() => query && this.#answered(query)),
      cut: over(() => this.#out.finish()),
      failed: (refusal) =>
        over(() => {
          if (commands.length > 0) {
            const { message } = refusal;
            this.#host.log.warn("commands may be lost", {
              client: this.#who,
              count: commands.length,
              reason: message,
            });
          }
          if (asking.begun || !query) this.abort();
          else this.#answerError(query, refusal);
        })(),
    });
    // who sends a command and goes is still heard
    this.#asking = commands.length === 0 ? asking : undefined;
    asking.start();
  }

  /** The answer is out: on to the next request, if the client said that there may be one. */
  #answered(request: Request): void {
    if (!keepsAlive(request) || this.#lastAnswered) this.#out.finish();
  }

  /** No more requests are taken, and all that have come are answered. */
  get #lastAnswered(): boolean {
    return this.#draining && !this.#next && this.#reader.held === 0;
  }

  /** Answers what has come, and then ends. */
  drain(): void {
    this.#draining = true;
    this.#flow();
  }

  /** Whether it waits for something, or may be about to ask. */
  get underWay(): boolean {
    return !this.#out.settled;
  }

  /** Says why, in the form that was asked for; where there is none, by the way the connection ends. */
  #answerError(request: Request, refusal: Refusal): void {
    if (!wantsFixed16(request)) this.abort();
    else {
      this.#out.say(errorAnswer(refusal));
      // one who gives a command does not read an answer, and would take it for that of the next query
      if (request.method === "COMMAND") this.#out.finish();
      else this.#answered(request);
    }
  }

  /** Nothing that comes can be understood any more. */
  #refuseAll(refusal: Refusal): void {
    this.#host.log.debug("livestatus request refused", { client: this.#who, reason: refusal.message });
    if (this.#reader.fixed16) this.#out.say(errorAnswer(refusal));
    this.#out.finish();
  }

  /** Reads on or pauses, and sets the time until something must have happened. */
  #flow(): void {
    this.#account();
    if (this.#out.closing) {
      // what still comes is thrown away: unread, it would break the connection before the answer is read
      this.#deadline.clear();
      this.#pause(false);
      return;
    }
    const waiting = this.#busy || this.#out.blocked;
    this.#pause(waiting && this.#reader.held > READ_AHEAD);
    const { queryTimeout, requestTimeout, idleTimeout } = this.#host.limits;
    if (this.#busy) this.#deadline.clear();
    else if (this.#out.blocked) this.#deadline.set(queryTimeout);
    else if (!this.#reader.started) this.#deadline.set(this.#draining ? LAST_WORDS : idleTimeout);
    else if (!this.#timingRequest) {
      this.#timingRequest = true;
      this.#deadline.set(requestTimeout);
    }
  }

  #pause(paused: boolean): void {
    if (paused === this.#paused) return;
    this.#paused = paused;
    if (paused) this.#socket.pause();
    else this.#socket.resume();
  }

  #account(): void {
    const held = this.#out.closing || this.#gone ? 0 : this.#reader.held;
    const enough = this.#options.hold(held - this.#held);
    const more = held > this.#held;
    this.#held = held;
    if (more && !enough) this.#refuseAll(new Refusal(413, "too many requests are under way"));
  }

  #late(): void {
    if (this.#out.blocked) this.abort();
    else if (this.#reader.started) {
      const seconds = this.#host.limits.requestTimeout / 1_000;
      this.#refuseAll(new Refusal(451, `the request was not complete within ${seconds} s`));
    } else this.#out.finish();
    this.#flow();
  }

  /** Breaks the connection. */
  abort(): void {
    this.#out.abort();
    this.#flow();
  }

  /** The connection is gone. */
  #leave(): void {
    this.#gone = true;
    this.#out.gone();
    if (this.#asking) {
      this.#asking.cancel();
      this.#busy = false;
    }
    // commands that have come are carried out; a connection that this side has ended has none
    this.#serve();
    this.#deadline.clear();
    this.#account();
  }
}

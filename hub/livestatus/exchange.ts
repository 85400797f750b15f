/**
 * What is asked of a core on one stream, and its answer. A stream serves one question, behind which the core
 * ends the connection: so its thread is free the moment it has answered, and a new stream costs no round trip.
 */

import type { Clock } from "../../common/clock.ts";
import { MAX_REASON } from "../../common/core.ts";
import { Deadline } from "../../common/deadline.ts";
import { AnswerReader, HEAD_BYTES, Refusal } from "../../common/livestatus/index.ts";
import type { ResetReason, Stream } from "../../common/mux/index.ts";
import { printable } from "../../common/text.ts";
import type { Question } from "./question.ts";

export interface AnswerEvents {
  /** Bytes of the answer; `consumed` is owed for them. */
  data(chunk: Buffer): void;
  /** All has come: so it says itself, or the core has ended the stream. */
  whole(): void;
  /** The core has ended the stream before a fixed16 answer was whole. */
  cut(): void;
  /** It will not come, or not the rest of it. */
  failed(refusal: Refusal): void;
}

export interface ExchangeOptions {
  stream: Stream;
  question: Question;
  events: AnswerEvents;
  clock: Clock;
  /** ms in which neither the core sends nor the client takes anything before it is given up. */
  timeout: number;
  /** Bytes of an answer at most. */
  largest: number;
  /** It is not allowed: here, where its answer is too large, or by the agent. At most once. */
  refused: (by: Refuser, reason: string) => void;
  /** The answer was whole, so many ms after it was asked for. */
  answered?: ((ms: number) => void) | undefined;
  /** The answer is whole, or it will not come to its end. At most once; never when it was cancelled. */
  concluded: (whole: boolean) => void;
  /** The core has nothing to do with it any more. */
  over: () => void;
}

/** Who does not let a request through, or its answer. */
export type Refuser = "hub" | "agent";

/** ms after an answer in which a core that does not end the connection is waited for. */
const LINGER = 1_000;

/** Bytes of an error that are kept, in case that its agent says that it is its own. */
const LONGEST_ERROR = 1_024;

/** Why a stream was reset, in words for who asked. */
const REASONS: Record<ResetReason, string> = {
  cancelled: "the core broke the connection",
  serviceUnknown: "its agent offers no Livestatus",
  serviceRefused: "its agent does not allow this request",
  targetUnreachable: "its agent cannot reach the core",
  limit: "too many connections to the site are open",
  sessionLost: "the connection to the site was lost",
  internal: "the agent could not serve the request",
};

export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #reader: AnswerReader | undefined;
  readonly #deadline: Deadline;
  readonly #from: number;
  #bytes = 0;
  #told = false;
  #over = false;
  /** The beginning of an answer that is an error. */
  #error = Buffer.alloc(0);

  constructor(options: ExchangeOptions) {
    this.#options = options;
    const { stream, question, clock, timeout } = options;
    this.#reader = question.fixed16 ? new AnswerReader() : undefined;
    this.#deadline = new Deadline(clock, () => this.#late());
    this.#from = clock.now();
    stream.attach({
      data: (chunk) => this.#data(chunk),
      end: () => this.#end(),
      drain: () => {},
      reset: (reason) => this.#reset(reason),
    });
    this.#deadline.set(timeout + question.wait);
    for (const bytes of question.bytes) stream.write(bytes);
    if (question.halfClose) stream.end();
  }

  /** Whether some of the answer has come: then it can no longer be replaced by an error. */
  get begun(): boolean {
    return this.#bytes > 0;
  }

  /** Bytes of the answer are with the client: the core may send as many more. */
  consumed(bytes: number): void {
    this.#moved();
    this.#options.stream.consumed(bytes);
  }

  /** Nobody wants the answer any more. Nothing is told after this. */
  cancel(): void {
    this.#told = true;
    this.#options.stream.reset("cancelled");
    this.#finish();
  }

  #data(chunk: Buffer): void {
    if (this.#told) {
      this.#options.stream.consumed(chunk.length);
      return;
    }
    this.#moved();
    const reader = this.#reader;
    const keptBack = reader?.partial.length ?? 0;
    const part = reader ? reader.push(chunk) : chunk;
    const surplus = chunk.length + keptBack - part.length - (reader?.partial.length ?? 0);
    if (surplus > 0) this.#options.stream.consumed(surplus);
    this.#bytes += part.length;
    const announced = reader?.head?.length ?? 0;
    if (this.#bytes > this.#options.largest || announced > this.#options.largest) {
      const { largest } = this.#options;
      this.#bytes -= part.length;
      const refusal = new Refusal(413, `the answer is larger than the ${largest} bytes allowed`);
      this.#options.refused("hub", refusal.message);
      this.#giveUp(refusal);
      return;
    }
    if (reader?.head && reader.head.code !== 200 && this.#error.length <= LONGEST_ERROR) {
      this.#error = Buffer.concat([this.#error, part.subarray(0, LONGEST_ERROR)]);
    }
    if (part.length > 0) this.#options.events.data(part);
    if (reader?.whole && !this.#told) {
      this.#told = true;
      this.#deadline.set(LINGER);
      // a core ends the connection by itself behind its answer; only one that does not waits for this
      this.#options.stream.end(false);
      this.#whole();
    }
  }

  /** What waits for something to happen says nothing of how quick its core is, nor does a command without an answer. */
  #whole(): void {
    const { question, answered, concluded, clock, events } = this.#options;
    concluded(true);
    if (question.wait === 0 && this.#bytes > 0) answered?.(clock.now() - this.#from);
    events.whole();
  }

  /** An agent that lets a request not in says so, also behind the error that it answers in the core's place. */
  #reset(reason: ResetReason): void {
    if (reason === "serviceRefused") {
      const said = this.#error.toString("utf8", HEAD_BYTES).trim();
      this.#options.refused("agent", said === "" ? REASONS[reason] : printable(said, MAX_REASON));
    }
    this.#fail(new Refusal(reason === "serviceRefused" ? 403 : 502, REASONS[reason]));
  }

  #end(): void {
    // what is not complete goes on as well: whoever asked sees what the core has said
    const rest = this.#told ? undefined : this.#reader?.partial;
    this.#options.stream.end(false);
    this.#finish();
    if (this.#told) return;
    this.#told = true;
    if (rest && rest.length > 0) this.#options.events.data(rest);
    const cut = this.#reader !== undefined && !this.#reader.malformed;
    if (cut) {
      this.#options.concluded(false);
      this.#options.events.cut();
    } else this.#whole();
  }

  #late(): void {
    if (this.#told) this.cancel();
    else {
      const { timeout, question } = this.#options;
      const seconds = Math.round((timeout + question.wait) / 1000);
      this.fail(new Refusal(502, `the core did not answer within ${seconds} s`));
    }
  }

  /** Gives it up for a reason; if the answer is not whole yet, that is told. */
  fail(refusal: Refusal): void {
    if (!this.#told) this.#giveUp(refusal);
  }

  #giveUp(refusal: Refusal): void {
    this.#options.stream.reset("cancelled");
    this.#fail(refusal);
  }

  #fail(refusal: Refusal): void {
    this.#finish();
    if (this.#told) return;
    this.#told = true;
    this.#options.concluded(false);
    this.#options.events.failed(refusal);
  }

  #moved(): void {
    if (!this.#over && !this.#told) this.#deadline.set(this.#options.timeout);
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#deadline.clear();
    this.#options.over();
  }
}

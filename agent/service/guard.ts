/**
 * Looks at what the hub asks of the core, and lets in what this agent's own file allows: the customer decides,
 * whatever the hub thinks. Stands between a stream and the socket to the core as if it were the stream.
 */

import type { Clock } from "../../common/clock.ts";
import { Deadline } from "../../common/deadline.ts";
import {
  describeRequest,
  errorAnswer,
  judge,
  type Policy,
  Refusal,
  type Request,
  RequestReader,
  requestBytes,
  waitOf,
  wantsFixed16,
} from "../../common/livestatus/index.ts";
import type { ResetReason, Stream, StreamHandlers } from "../../common/mux/index.ts";
import { Rate } from "../../common/rate.ts";

export interface GuardOptions {
  policy: Policy;
  clock: Clock;
  /** Something was not let in; a sentence for the log. */
  refused: (reason: string) => void;
}

/** Bytes of requests that are not complete, of all streams together. */
const MOST_HELD = 64 << 20;

export class Guard {
  readonly policy: Policy;
  readonly clock: Clock;
  readonly #rate: Rate | undefined;
  readonly #refused: (reason: string) => void;
  #held = 0;

  constructor({ policy, clock, refused }: GuardOptions) {
    this.policy = policy;
    this.clock = clock;
    this.#rate = policy.requestsPerSecond ? new Rate(clock, policy.requestsPerSecond) : undefined;
    this.#refused = refused;
  }

  /** The stream as the core's socket may see it. */
  watch(stream: Stream): Stream {
    return new GuardedStream(stream, this);
  }

  /** Why a request is not let in; undefined when it is. */
  verdict(request: Request): Refusal | undefined {
    const refusal =
      this.#rate?.take() === false
        ? new Refusal(429, "the site gets too many requests; try again")
        : judge(this.policy, request);
    if (refusal) this.note(refusal, describeRequest(request));
    return refusal;
  }

  note({ message }: Refusal, what = "a request"): void {
    this.#refused(`${what} was not let in: ${message}`);
  }

  /** Something that was let in goes no further. */
  noteEnd({ message }: Refusal): void {
    this.#refused(`a query was given up: ${message}`);
  }

  /** A stream holds more or fewer bytes than before. False: all together hold too many. */
  hold(bytes: number): boolean {
    this.#held += bytes;
    return this.#held <= MOST_HELD;
  }
}

class GuardedStream implements Stream {
  readonly id: number;
  readonly service: string;
  readonly #reader: RequestReader;
  #handlers: StreamHandlers | undefined;
  /** Bytes held here, and those for which credit was given before the core took them: never more than were held. */
  #held = 0;
  #advanced = 0;
  /** Queries let in: an answer may be on its way. */
  #queries = 0;
  /** Bytes answered since the last request was let in. */
  #answered = 0;
  /** Whether that one has asked for fixed16: the form of an error. */
  #fixed16 = false;
  readonly #deadline: Deadline;
  /** The core has said all, or nobody listens any more. */
  #over = false;
  /** Refused: nothing goes either way any more. */
  #shut = false;

  constructor(
    private readonly inner: Stream,
    private readonly guard: Guard,
  ) {
    this.id = inner.id;
    this.service = inner.service;
    this.#reader = new RequestReader({ longest: guard.policy.longestRequest });
    this.#deadline = new Deadline(guard.clock, () => this.#late());
  }

  attach(handlers: StreamHandlers): void {
    this.#handlers = handlers;
    this.inner.attach({
      data: (chunk) => this.#data(chunk),
      end: () => {
        this.#reader.end();
        this.#take();
        this.#hold(0);
        if (!this.#shut) handlers.end();
      },
      drain: () => {
        this.#await();
        handlers.drain();
      },
      reset: (reason) => {
        this.#hold(0);
        this.#end();
        if (!this.#shut) handlers.reset(reason);
        this.#shut = true;
      },
    });
  }

  write(chunk: Buffer): boolean {
    if (this.#shut) return true;
    this.#answered += chunk.length;
    if (this.#answered <= this.guard.policy.largestAnswer) {
      const goesOn = this.inner.write(chunk);
      // the hub's own slowness is not the core's
      if (goesOn) this.#await();
      else this.#deadline.clear();
      return goesOn;
    }
    this.guard.noteEnd(new Refusal(413, "its answer is larger than allowed"));
    this.#cut(undefined);
    return true;
  }

  end(): void {
    this.#end();
    if (!this.#shut) this.inner.end();
  }

  reset(reason: ResetReason): void {
    this.#hold(0);
    this.#end();
    if (!this.#shut) this.inner.reset(reason);
  }

  abort(reason: ResetReason): void {
    this.#hold(0);
    this.#end();
    if (!this.#shut) this.inner.abort(reason);
  }

  consumed(bytes: number): void {
    const repaid = Math.min(bytes, this.#advanced);
    this.#advanced -= repaid;
    if (bytes > repaid) this.inner.consumed(bytes - repaid);
    this.#advance();
  }

  /** Gives credit for what is held: a request that is longer than a stream's credit could not end otherwise. */
  #advance(): void {
    const more = this.#held - this.#advanced;
    if (more <= 0 || this.#shut) return;
    this.#advanced += more;
    this.inner.consumed(more);
  }

  #data(chunk: Buffer): void {
    if (this.#shut) {
      this.inner.consumed(chunk.length);
      return;
    }
    this.#reader.push(chunk);
    const before = this.#held + chunk.length;
    const passed = this.#take();
    if (this.#shut) return;
    const { held } = this.#reader;
    const fits = this.#hold(held);
    // white space that is left out
    this.consumed(before - passed - held);
    if (!fits) this.#refuse(new Refusal(413, "too many requests are under way"), undefined);
  }

  /** Lets in what is complete and allowed; gives its bytes, as they came. */
  #take(): number {
    let passed = 0;
    while (!this.#shut) {
      const request = this.#reader.next();
      if (!request) break;
      if (request instanceof Refusal) {
        this.guard.note(request);
        this.#refuse(request, undefined);
        break;
      }
      const refusal = request.method ? this.guard.verdict(request) : new Refusal(400, "no such method");
      if (refusal) {
        this.#refuse(refusal, request);
        break;
      }
      if (request.method === "GET") this.#queries++;
      this.#answered = 0;
      this.#fixed16 = wantsFixed16(request);
      this.#await(waitOf(request));
      const bytes = requestBytes(request);
      passed += bytes.length;
      this.#hold(this.#reader.held);
      this.#handlers?.data(bytes);
    }
    return passed;
  }

  /** Lets nothing in from here on. What was let in before is still carried out. */
  #refuse(refusal: Refusal, request: Request | undefined): void {
    const fixed16 = request ? wantsFixed16(request) : this.#reader.fixed16;
    this.#shut = true;
    this.#hold(0);
    // an error in the middle of an earlier answer would be taken for a part of it
    this.#answerRefused(fixed16 && this.#queries === 0 ? refusal : undefined);
    // behind an end, what went to the core before is still delivered
    this.#handlers?.end();
    this.#handlers?.reset("cancelled");
  }

  /** The core is silent for too long. */
  #late(): void {
    const seconds = (this.guard.policy.queryTimeout ?? 0) / 1000;
    const refusal = new Refusal(502, `the core did not answer within the ${seconds} s that its agent allows`);
    this.guard.noteEnd(refusal);
    this.#cut(this.#fixed16 && this.#answered === 0 && this.#queries === 1 ? refusal : undefined);
  }

  /** Breaks it off: for the core, too. */
  #cut(refusal: Refusal | undefined): void {
    this.#shut = true;
    this.#hold(0);
    this.#answerRefused(refusal);
    this.#handlers?.reset("cancelled");
  }

  /** Tells the hub that this agent refuses; before that whoever asked, if it can be told. */
  #answerRefused(refusal: Refusal | undefined): void {
    this.#end();
    if (refusal) this.inner.write(errorAnswer(refusal));
    this.inner.abort("serviceRefused");
  }

  /** From now on the core has its time again, and `more` ms. */
  #await(more = 0): void {
    const { queryTimeout } = this.guard.policy;
    if (queryTimeout !== undefined && !this.#over) this.#deadline.set(queryTimeout + more);
  }

  #end(): void {
    this.#over = true;
    this.#deadline.clear();
  }

  /** Notes how much is held now. False: all streams together hold too much. */
  #hold(held: number): boolean {
    const more = held - this.#held;
    this.#held = held;
    this.#advance();
    return this.guard.hold(more);
  }
}

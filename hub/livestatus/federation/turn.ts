/** A client's turn: its commands one after another, then its query, when there is room for one. */

import { Refusal, type Request } from "../../../common/livestatus/index.ts";
import { type AnswerEvents, type Answering, type Channels, type Question, requestsIn } from "../index.ts";
import { commandBytes } from "./commands.ts";
import type { Run } from "./run.ts";

export interface TurnOptions {
  who: string;
  question: Question;
  events: AnswerEvents;
  turns: Channels;
  /** Bytes of a request. */
  longest: number;
  /** Carries one command out; calls back when the core has it, or why it does not. */
  command: (request: Request, bytes: Buffer, over: (failure: Refusal | undefined) => void) => void;
  run: (request: Request, events: AnswerEvents) => Run | Refusal;
}

export class Turn implements Answering {
  readonly #options: TurnOptions;
  #requests: Request[] = [];
  #run: Run | undefined;
  #leave: (() => void) | undefined;
  #over = false;

  constructor(options: TurnOptions) {
    this.#options = options;
  }

  get begun(): boolean {
    return this.#run?.begun ?? false;
  }

  start(): void {
    const { question, longest } = this.#options;
    const requests = requestsIn(question, longest);
    if (requests instanceof Refusal) return this.#fail(requests);
    this.#requests = requests;
    this.#next();
  }

  consumed(bytes: number): void {
    this.#run?.consumed(bytes);
  }

  cancel(): void {
    this.#over = true;
    this.#run?.cancel();
    this.#leave?.();
  }

  #next(): void {
    if (this.#over) return;
    const request = this.#requests.shift();
    if (!request) {
      this.#end(() => this.#options.events.whole());
    } else if (request.method === "COMMAND") {
      this.#options.command(request, commandBytes(request), (failure) =>
        failure ? this.#fail(failure) : this.#next(),
      );
    } else this.#wait(request);
  }

  #wait(request: Request): void {
    const { turns, who } = this.#options;
    let release: (() => void) | undefined;
    const leave = turns.acquire(
      who,
      (free) => {
        release = free;
        this.#leave = free;
        this.#begin(request);
      },
      () => this.#fail(new Refusal(502, "the hub answers too many queries; try again")),
    );
    if (!release && !this.#over) this.#leave = leave;
  }

  #begin(request: Request): void {
    const { events } = this.#options;
    const run = this.#options.run(request, {
      data: (chunk) => events.data(chunk),
      whole: () => this.#end(() => events.whole()),
      cut: () => this.#end(() => events.cut()),
      failed: (refusal) => this.#fail(refusal),
    });
    if (run instanceof Refusal) {
      this.#fail(run);
      return;
    }
    this.#run = run;
    run.start();
  }

  #fail(refusal: Refusal): void {
    this.#end(() => this.#options.events.failed(refusal));
  }

  /** The place is free before whoever asked may want it again. */
  #end(tell: () => void): void {
    if (this.#over) return;
    this.#over = true;
    this.#leave?.();
    tell();
  }
}

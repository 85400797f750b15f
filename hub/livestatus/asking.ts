/** One question on its way: it waits for a channel, then for its answer. */

import type { Clock } from "../../common/clock.ts";
import { Refusal } from "../../common/livestatus/index.ts";
import type { Stream } from "../../common/mux/index.ts";
import type { Channels } from "./channels.ts";
import { type AnswerEvents, Exchange, type ExchangeOptions } from "./exchange.ts";
import type { Question } from "./question.ts";

export interface AskingOptions {
  who: string;
  question: Question;
  events: AnswerEvents;
  channels: Channels;
  /** A stream to the core; undefined when there is none now. */
  open: () => Stream | undefined;
  /** Why there is none. */
  unreachable: () => string | undefined;
  clock: Clock;
  /** As in `Exchange`. */
  timeout: number;
  largest: number;
  refused: ExchangeOptions["refused"];
  answered: ExchangeOptions["answered"];
  /** It is over, so many ms after the question: the answer is whole, or it will not be. Not told when it was cancelled. */
  concluded: (whole: boolean, ms: number) => void;
  /** Neither channel nor stream is held any more. */
  over: () => void;
}

export class Asking {
  readonly #options: AskingOptions;
  #exchange: Exchange | undefined;
  #leave: (() => void) | undefined;
  #over = false;
  #began = 0;

  constructor(options: AskingOptions) {
    this.#options = options;
  }

  /** Begins; events may come before this returns. */
  start(): void {
    const { who, channels, unreachable, clock } = this.#options;
    this.#began = clock.now();
    const reason = unreachable();
    if (reason !== undefined) {
      this.fail(new Refusal(502, reason));
      return;
    }
    const leave = channels.acquire(
      who,
      (release) => this.#ask(release),
      () => this.fail(new Refusal(502, "all connections to the core are busy; try again")),
    );
    if (!this.#exchange && !this.#over) this.#leave = leave;
  }

  #ask(release: () => void): void {
    const { open, unreachable, question, events, clock, timeout, largest, refused, answered } = this.#options;
    // it may have gone while this waited
    const reason = unreachable();
    const stream = reason === undefined ? open() : undefined;
    if (!stream) {
      release();
      this.fail(new Refusal(502, reason ?? unreachable() ?? "the site takes no more connections now"));
      return;
    }
    const over = () => {
      release();
      this.#finish();
    };
    const concluded = (whole: boolean) => this.#options.concluded(whole, clock.now() - this.#began);
    this.#exchange = new Exchange({
      stream,
      question,
      events,
      clock,
      timeout,
      largest,
      refused,
      answered,
      concluded,
      over,
    });
  }

  /** Whether some of the answer has come. */
  get begun(): boolean {
    return this.#exchange?.begun ?? false;
  }

  consumed(bytes: number): void {
    this.#exchange?.consumed(bytes);
  }

  /** Gives it up; nothing is told any more. */
  cancel(): void {
    if (this.#exchange) this.#exchange.cancel();
    else this.#finish();
  }

  /** Gives it up for a reason, which is told unless the answer is whole already. */
  fail(refusal: Refusal): void {
    if (this.#exchange) this.#exchange.fail(refusal);
    else if (!this.#over) {
      this.#finish();
      this.#options.concluded(false, this.#options.clock.now() - this.#began);
      this.#options.events.failed(refusal);
    }
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#leave?.();
    this.#options.over();
  }
}

/** Reads one site's answer: the head, then rows, or the error that stands in their place. */

import { HEAD_BYTES, parseHead, Refusal } from "../../../common/livestatus/index.ts";
import type { AnswerEvents, Question } from "../index.ts";
import type { Answering } from "./ask.ts";
import type { Share } from "./memory.ts";
import { RowReader } from "./rows.ts";
import type { Row } from "./value.ts";

export interface SiteAnswerOptions {
  /** Asks the site. */
  ask: (question: Question, events: AnswerEvents) => Answering;
  request: Buffer;
  /** ms that the core may wait by itself. */
  wait: number;
  /** Rows came, `bytes` long. @throws Refusal they are not what was asked for */
  rows(rows: Row[], bytes: number): void;
  memory: Share;
  /** Whether the site should wait: then bytes are owed until `release`. */
  paused(): boolean;
  /** Nothing more comes; undefined: the answer is whole. */
  over(failure: Refusal | undefined): void;
}

/** Bytes of an error; Icinga 2 adds a stack trace to its first line. */
const LONGEST_ERROR = 1_000;

export class SiteAnswer {
  readonly #options: SiteAnswerOptions;
  readonly #answering: Answering;
  readonly #reader = new RowReader();
  #head = Buffer.alloc(0);
  /** Of an error; undefined while all is well or nothing is known. */
  #code: number | undefined;
  #headRead = false;
  #error = "";
  #owed = 0;
  /** Bytes of a row that is not complete, as they are counted. */
  #held = 0;
  #over = false;
  /** Something has come. */
  begun = false;

  constructor(options: SiteAnswerOptions) {
    this.#options = options;
    const { ask, request, wait } = options;
    this.#answering = ask(
      { bytes: [request], fixed16: true, halfClose: false, wait },
      {
        data: (chunk) => this.#data(chunk),
        whole: () => this.#whole(),
        cut: () => this.#end(new Refusal(502, "the core broke off its answer")),
        failed: (refusal) => this.#end(refusal),
      },
    );
  }

  start(): void {
    this.#answering.start();
  }

  /** The site may go on. */
  release(): void {
    const owed = this.#owed;
    this.#owed = 0;
    if (owed > 0 && !this.#over) this.#answering.consumed(owed);
  }

  /** Gives it up; nothing is told any more. */
  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#hold(0);
    this.#answering.cancel();
  }

  #data(chunk: Buffer): void {
    if (this.#over) return;
    this.begun = true;
    try {
      this.#read(chunk);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#answering.cancel();
      this.#end(error);
    }
    // reading may have ended it all
    if (this.#over) return;
    if (this.#options.paused()) this.#owed += chunk.length;
    else this.#answering.consumed(chunk.length);
  }

  #read(chunk: Buffer): void {
    const body = this.#headRead ? chunk : this.#readHead(chunk);
    if (body.length === 0) return;
    if (this.#code !== undefined) {
      if (this.#error.length < LONGEST_ERROR) this.#error += body.toString("utf8", 0, LONGEST_ERROR);
      return;
    }
    const rows = this.#reader.push(body);
    if (!this.#hold(this.#reader.held)) throw new Refusal(413, "its rows are too long for the hub's memory");
    if (rows.length > 0) this.#options.rows(rows, body.length);
  }

  #hold(bytes: number): boolean {
    const more = bytes - this.#held;
    this.#held = bytes;
    return more === 0 || this.#options.memory.take(more) || more < 0;
  }

  /** What of the chunk is behind the head. */
  #readHead(chunk: Buffer): Buffer {
    this.#head = Buffer.concat([this.#head, chunk]);
    if (this.#head.length < HEAD_BYTES) return Buffer.alloc(0);
    const head = parseHead(this.#head);
    if (!head) throw new Refusal(502, "its answer has no head of the form fixed16");
    this.#headRead = true;
    if (head.code !== 200) this.#code = head.code;
    const body = this.#head.subarray(HEAD_BYTES);
    this.#head = Buffer.alloc(0);
    return body;
  }

  #whole(): void {
    if (this.#code !== undefined) this.#end(new Refusal(this.#code, firstLine(this.#error)));
    else if (this.#reader.whole) this.#end(undefined);
    else this.#end(new Refusal(502, "its answer cannot be read: it has no end"));
  }

  #end(failure: Refusal | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#hold(0);
    this.#options.over(failure);
  }
}

function firstLine(text: string): string {
  return text.trimStart().split("\n", 1)[0]?.trim() || "the core answers an error without a text";
}

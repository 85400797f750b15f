/** Answers: the head of fixed16, errors in that form, and where an answer ends. */

/** Codes that clients know (Checkmk, naemon-livestatus). */
export type AnswerCode = 400 | 403 | 413 | 429 | 451 | 502;

/** Why a request is not answered as it wished: a code, and one line for people. */
export class Refusal {
  constructor(
    readonly code: number,
    readonly message: string,
  ) {}
}

/** @param bytes that a request may have */
export function tooLong(bytes: number): Refusal {
  return new Refusal(413, `the request is longer than the ${bytes} bytes allowed`);
}

/** Bytes of the head: code, space, length of the body in 11 places, line end. */
export const HEAD_BYTES = 16;

/** Longest text of an error. */
const LONGEST_MESSAGE = 1_000;

export interface Head {
  code: number;
  /** Bytes of the body. */
  length: number;
}

export function formatHead({ code, length }: Head): string {
  return `${String(code).padStart(3, "0")} ${String(length).padStart(11)}\n`;
}

/** Reads the 16 bytes; undefined when they are something else. */
export function parseHead(bytes: Buffer): Head | undefined {
  const [, code, length] = /^(\d{3}) +(\d{1,11})\n$/.exec(bytes.toString("latin1", 0, HEAD_BYTES)) ?? [];
  return length === undefined ? undefined : { code: Number(code), length: Number(length) };
}

/** An error as fixed16 has it: the body is its text, in one line. */
export function errorAnswer({ code, message }: Refusal): Buffer {
  const line = message
    .replace(/[\p{Cc}\s]+/gu, " ")
    .trim()
    .slice(0, LONGEST_MESSAGE);
  const body = Buffer.from(`${line}\n`);
  return Buffer.concat([Buffer.from(formatHead({ code, length: body.length })), body]);
}

/** Follows a fixed16 answer as it comes, without keeping it. */
export class AnswerReader {
  #partial = Buffer.alloc(0);
  #left = 0;
  /** The head, once it has come. */
  head: Head | undefined;
  /** What came is no fixed16 answer; its end can be told by the connection's end only. */
  malformed = false;

  /** All of it has come. */
  get whole(): boolean {
    return this.head !== undefined && this.#left === 0;
  }

  /** Bytes of the answer that `push` has kept back until the head is complete. */
  get partial(): Buffer {
    return this.#partial;
  }

  /** Takes what came; gives what of it, and of what was kept back, belongs to the answer and can go on. */
  push(chunk: Buffer): Buffer {
    if (this.malformed) return chunk;
    if (this.head) return this.#body(chunk);
    const bytes = this.#partial.length > 0 ? Buffer.concat([this.#partial, chunk]) : chunk;
    if (bytes.length < HEAD_BYTES) {
      this.#partial = Buffer.from(bytes);
      return bytes.subarray(0, 0);
    }
    this.#partial = Buffer.alloc(0);
    this.head = parseHead(bytes);
    if (!this.head) {
      this.malformed = true;
      return bytes;
    }
    this.#left = this.head.length + HEAD_BYTES;
    return this.#body(bytes);
  }

  #body(bytes: Buffer): Buffer {
    const own = bytes.length <= this.#left ? bytes : bytes.subarray(0, this.#left);
    this.#left -= own.length;
    return own;
  }
}

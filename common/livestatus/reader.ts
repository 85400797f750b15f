/**
 * Takes requests out of what a client sends, however it is cut. A request is lines up to an empty one, or up
 * to the client's half-close; what follows the empty line is the next request.
 *
 * Cores differ in lines of nothing but white space: Icinga ends the request at one, Checkmk skips it. A core
 * and this reader must never see different requests, so one that is CR LF ends it, and goes on as LF; any
 * other is left out.
 */

import { Refusal, tooLong } from "./answer.ts";
import { type Header, parseFirst, parseHeader, type Request, wantsFixed16 } from "./request.ts";

export interface ReaderLimits {
  /** Bytes of one request. */
  longest: number;
}

/** Lines of one request. Large pages name some thousands of hosts, each in a line. */
const MOST_LINES = 32_768;

const LF = 0x0a;
const CR = 0x0d;
const G = 0x47;
const C = 0x43;
const METHOD = /^(?:GET|COMMAND) /;
const INITIAL_BYTES = 1 << 10;
/** A buffer that has grown beyond this is given up when it is empty. */
const MOST_KEPT = 64 << 10;

interface Line {
  from: number;
  to: number;
}

export class RequestReader {
  #buffer = Buffer.allocUnsafe(INITIAL_BYTES);
  /** Where the request begins that is being read, and where the bytes end. */
  #start = 0;
  #end = 0;
  /** Where its line begins that is not yet complete, and up to where that was searched for its end. */
  #line = 0;
  #searched = 0;
  /** Its lines so far, as offsets from #start. */
  #lines: Line[] = [];
  /** Whether a NUL is in the line that is being read, or in one before it, which was refused for it. */
  #noText = false;
  #inputEnded = false;
  #refusal: Refusal | undefined;

  constructor(private readonly limits: ReaderLimits) {}

  /** Bytes that are kept for requests to come. */
  get held(): number {
    return this.#end - this.#start;
  }

  /** Whether something of a request is there that is not complete. Tells the truth after `next` gave nothing. */
  get started(): boolean {
    return this.held > 0;
  }

  /** Whether the request that is being read has asked for fixed16 so far: the form of an error. */
  get fixed16(): boolean {
    const [, ...headers] = this.#lines;
    const parsed = headers.map(({ from, to }) =>
      parseHeader(this.#text(this.#start + from, this.#start + to)),
    );
    return wantsFixed16({ headers: parsed });
  }

  push(chunk: Buffer): void {
    if (this.#end + chunk.length > this.#buffer.length) this.#makeRoom(chunk.length);
    this.#end += chunk.copy(this.#buffer, this.#end);
  }

  /** The client has half-closed. */
  end(): void {
    this.#inputEnded = true;
  }

  /**
   * The next request that is complete; undefined when more must come first. After a refusal nothing that comes
   * can be understood, and the same refusal is given again.
   */
  next(): Request | Refusal | undefined {
    if (this.#refusal) return this.#refusal;
    for (;;) {
      const whole = this.#search();
      const to = this.#searched;
      if (to - this.#start > this.limits.longest) {
        this.#refusal = tooLong(this.limits.longest);
        return this.#refusal;
      }
      if (!whole) return this.#inputEnded ? this.#last() : undefined;
      const from = this.#line;
      this.#line = to;
      const refusal = this.#add(from, to);
      if (refusal === "end") {
        if (this.#lines.length === 0) return this.#refuse(451, "the request is empty");
        return this.#complete("line");
      }
      if (refusal) return refusal;
    }
  }

  /** Moves on to the end of the line that is being read; false when that has not come. */
  #search(): boolean {
    const buffer = this.#buffer;
    const end = this.#end;
    // byte by byte: lines are short, and what native code would need to be told costs more than that
    for (let at = this.#searched; at < end; at++) {
      const byte = buffer[at];
      if (byte === LF) {
        this.#searched = at + 1;
        return true;
      }
      if (byte === 0) this.#noText = true;
    }
    this.#searched = end;
    return false;
  }

  /** Takes a line of the request; "end" when it is the empty one. */
  #add(from: number, to: number): Refusal | "end" | undefined {
    const buffer = this.#buffer;
    const byte = buffer[from];
    if (byte === LF || (byte === CR && buffer[from + 1] === LF && from + 2 === to)) return "end";
    if (isBlank(buffer, from, to)) return undefined;
    // C programs end a text there: what they take for the line would not be what was looked at here
    if (this.#noText) return this.#refuse(400, "the request holds bytes that are no text");
    if (this.#lines.length > 0 && (byte === G || byte === C) && METHOD.test(this.#text(from, from + 8))) {
      return this.#refuse(400, "a second request begins within the first: its empty line is missing");
    }
    this.#lines.push({ from: from - this.#start, to: to - this.#start });
    if (this.#lines.length > MOST_LINES) {
      return this.#refuse(413, `the request has more than the ${MOST_LINES} lines allowed`);
    }
    return undefined;
  }

  /** What is left when the client has half-closed. A core decides whether it likes a request that ends so. */
  #last(): Request | Refusal | undefined {
    if (this.#line < this.#end) {
      const from = this.#line;
      this.#line = this.#end;
      const refusal = this.#add(from, this.#end);
      if (refusal instanceof Refusal) return refusal;
    }
    if (this.#lines.length === 0) {
      this.#forget();
      return undefined;
    }
    return this.#complete("eof");
  }

  #complete(ended: Request["ended"]): Request {
    const text = this.#text(this.#start, this.#line);
    const [{ from, to } = { from: 0, to: 0 }] = this.#lines;
    const first = text.slice(from, to);
    const headers: Header[] = [];
    for (let at = 1; at < this.#lines.length; at++) {
      const line = this.#lines[at] as Line;
      headers.push(parseHeader(text.slice(line.from, line.to)));
    }
    this.#start = this.#line;
    this.#lines = [];
    if (this.held === 0) this.#forget();
    const { method, target } = parseFirst(first);
    return { method, target, first, headers, ended };
  }

  #refuse(code: number, message: string): Refusal {
    this.#refusal = new Refusal(code, message);
    return this.#refusal;
  }

  #text(from: number, to: number): string {
    return this.#buffer.toString("latin1", from, Math.min(to, this.#end));
  }

  #makeRoom(bytes: number): void {
    const { held } = this;
    let size = this.#buffer.length;
    while (size < held + bytes) size *= 2;
    const into = size === this.#buffer.length ? this.#buffer : Buffer.allocUnsafeSlow(size);
    this.#buffer.copy(into, 0, this.#start, this.#end);
    this.#buffer = into;
    this.#line -= this.#start;
    this.#searched -= this.#start;
    this.#end = held;
    this.#start = 0;
  }

  /** Nothing is held: begins anew, and a client that once asked something long does not keep the memory. */
  #forget(): void {
    if (this.#buffer.length > MOST_KEPT) this.#buffer = Buffer.allocUnsafe(INITIAL_BYTES);
    this.#start = 0;
    this.#end = 0;
    this.#line = 0;
    this.#searched = 0;
  }
}

/** As isspace(3) in the C locale, which cores go by. */
function isBlank(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const byte = bytes[at] as number;
    if (byte !== 0x20 && !(byte >= 0x09 && byte <= 0x0d)) return false;
  }
  return true;
}

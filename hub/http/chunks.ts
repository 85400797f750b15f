/** Follows a body in chunks (RFC 9112, section 7.1) as it passes: nothing of it is kept or changed. */

import { parseField } from "../../common/http/index.ts";
import { MAX_FIELDS, malformed } from "./head.ts";

/** Longest line between chunks, extensions included, and longest field of a trailer, in bytes. */
const MAX_LINE = 4096;
/** Digits of a chunk's size at most: 2^48 bytes. Leading zeros count. */
const SIZE = /^([\da-fA-F]{1,12})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?$/;

const LF = 0x0a;

export class Chunks {
  /** Bytes of data so far. */
  payload = 0;
  #part: "size" | "data" | "data-end" | "trailer" | "done" = "size";
  /** Bytes of the chunk that are still to come. */
  #left = 0;
  /** The line that is being read, as far as it came in earlier pieces. */
  #line = "";
  #trailers = 0;

  get done(): boolean {
    return this.#part === "done";
  }

  /**
   * Takes the next piece and gives how many bytes of it belong to the body. Throws HttpRefusal.
   * @param data called with the parts that are data, not framing
   */
  take(piece: Buffer, data?: (part: Buffer) => void): number {
    let at = 0;
    while (at < piece.length && !this.done) {
      if (this.#part === "data") {
        const length = Math.min(this.#left, piece.length - at);
        data?.(piece.subarray(at, at + length));
        this.payload += length;
        this.#left -= length;
        at += length;
        if (this.#left === 0) this.#part = "data-end";
        continue;
      }
      const end = piece.indexOf(LF, at);
      const to = end === -1 ? piece.length : end + 1;
      if (this.#line.length + to - at > MAX_LINE) throw malformed("a line between chunks is too long");
      this.#line += piece.toString("latin1", at, to);
      at = to;
      if (end === -1) continue;
      if (!this.#line.endsWith("\r\n")) throw malformed("a line between chunks does not end with CR LF");
      const line = this.#line.slice(0, -2);
      this.#line = "";
      this.#read(line);
    }
    return at;
  }

  #read(line: string): void {
    if (this.#part === "data-end") {
      if (line !== "") throw malformed("a chunk is longer than its size");
      this.#part = "size";
    } else if (this.#part === "size") {
      const [, size] = SIZE.exec(line) ?? [];
      if (size === undefined) throw malformed("a chunk's size is no number");
      this.#left = Number.parseInt(size, 16);
      this.#part = this.#left === 0 ? "trailer" : "data";
    } else if (line === "") this.#part = "done";
    else if (!parseField(line) || ++this.#trailers > MAX_FIELDS) throw malformed("the trailer is not valid");
  }
}

/**
 * Takes rows out of a site's JSON as it comes, without keeping the answer. What a site sends is hostile: a
 * row may have any length, and the end may never come.
 */

import { Refusal } from "../../../common/livestatus/index.ts";
import type { Row } from "./value.ts";

/** Bytes of one row. Checkmk's inventory of a host is one cell of some MiB. */
export const LONGEST_ROW = 16 << 20;
/** Lists within lists of a cell; cores have three. */
const MOST_LEVELS = 16;

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

type Expected = "answer" | "row or end" | "row" | "comma or end" | "nothing";

export class RowReader {
  #expected: Expected = "answer";
  /** Within a row: how deep, counted from the row itself; 0 between rows. */
  #depth = 0;
  #inText = false;
  #escaped = false;
  /** The beginning of a row whose end has not come. */
  #pieces: Buffer[] = [];
  #held = 0;

  /** The end of the answer has come. */
  get whole(): boolean {
    return this.#expected === "nothing";
  }

  /** Bytes of a row that is not complete. */
  get held(): number {
    return this.#held;
  }

  /** The rows that are complete now. @throws Refusal it is not a list of rows */
  push(chunk: Buffer): Row[] {
    let from = this.#depth > 0 ? 0 : -1;
    let to = -1;
    for (let at = 0; at < chunk.length; at++) {
      if (this.#depth === 0) {
        if (this.#between(chunk[at] ?? 0) && from < 0) from = at;
        continue;
      }
      at = this.#through(chunk, at);
      if (this.#depth > 0) break;
      this.#expected = "comma or end";
      to = at + 1;
    }
    const rows = to < 0 ? [] : this.#parse(chunk.subarray(from, to));
    if (this.#depth > 0) this.#keep(to < 0 ? chunk.subarray(from) : this.#begun(chunk, to));
    return rows;
  }

  /** Goes through a row, from a byte of it to its last one, or to the end of the chunk. */
  #through(chunk: Buffer, from: number): number {
    let depth = this.#depth;
    let inText = this.#inText;
    let at = from;
    for (; at < chunk.length; at++) {
      const byte = chunk[at];
      if (inText) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === BACKSLASH) this.#escaped = true;
        else if (byte === QUOTE) inText = false;
      } else if (byte === QUOTE) inText = true;
      else if (byte === OPEN || byte === OPEN_BRACE) {
        if (++depth > MOST_LEVELS) throw malformed("lists are nested too deeply");
      } else if ((byte === CLOSE || byte === CLOSE_BRACE) && --depth === 0) break;
    }
    this.#depth = depth;
    this.#inText = inText;
    return at;
  }

  /** A byte that belongs to no row; true when it is the first of one. */
  #between(byte: number): boolean {
    if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) return false;
    const expected = this.#expected;
    if (byte === OPEN && expected === "answer") this.#expected = "row or end";
    else if (byte === OPEN && (expected === "row" || expected === "row or end")) {
      this.#depth = 1;
      return true;
    } else if (byte === COMMA && expected === "comma or end") this.#expected = "row";
    else if (byte === CLOSE && (expected === "row or end" || expected === "comma or end")) {
      this.#expected = "nothing";
    } else throw malformed("it is not a list of rows");
    return false;
  }

  #parse(complete: Buffer): Row[] {
    const bytes = this.#held > 0 ? Buffer.concat([...this.#pieces, complete]) : complete;
    this.#pieces = [];
    this.#held = 0;
    try {
      const rows: unknown = JSON.parse(`[${bytes.toString("utf8")}]`);
      if (Array.isArray(rows) && rows.every(Array.isArray)) return rows as Row[];
    } catch {
      // told below
    }
    throw malformed("it is not JSON");
  }

  /** What a row begins with that is not complete, behind the last complete one. */
  #begun(chunk: Buffer, behind: number): Buffer {
    return chunk.subarray(chunk.indexOf(OPEN, behind));
  }

  #keep(piece: Buffer): void {
    this.#held += piece.length;
    if (this.#held > LONGEST_ROW) throw malformed("a row is too long");
    // a copy: a piece of a record would keep all of it
    this.#pieces.push(Buffer.from(piece));
  }
}

function malformed(reason: string): Refusal {
  return new Refusal(502, `its answer cannot be read: ${reason}`);
}

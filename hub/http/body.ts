/** Follows the body of one message as it passes, to know where it ends. */

import { Chunks } from "./chunks.ts";
import type { Framing } from "./framing.ts";

export class Body {
  /** Bytes of data so far, without their framing. */
  payload = 0;
  /** The first bytes of it, as many as were wanted. */
  start = "";
  readonly #chunks: Chunks | undefined;
  /** Bytes still to come; Infinity: until the connection ends. */
  #left: number;

  /** @param wanted bytes of `start` */
  constructor(
    framing: Framing,
    private readonly wanted = 0,
  ) {
    this.#chunks = framing === "chunked" ? new Chunks() : undefined;
    this.#left =
      typeof framing === "object" ? framing.bytes : framing === "close" ? Number.POSITIVE_INFINITY : 0;
  }

  get done(): boolean {
    return this.#chunks ? this.#chunks.done : this.#left === 0;
  }

  /** Takes the next piece and gives how many bytes of it belong to the body. Throws HttpRefusal. */
  take(piece: Buffer): number {
    if (this.#chunks) {
      const taken = this.#chunks.take(piece, this.wanted > 0 ? (part) => this.#keep(part) : undefined);
      this.payload = this.#chunks.payload;
      return taken;
    }
    const length = Math.min(this.#left, piece.length);
    this.#keep(piece.subarray(0, length));
    this.payload += length;
    this.#left -= length;
    return length;
  }

  #keep(part: Buffer): void {
    const missing = this.wanted - this.start.length;
    if (missing > 0) this.start += part.toString("latin1", 0, Math.min(missing, part.length));
  }
}

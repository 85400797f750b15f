/** Datagrams on a stream, back to back: the length of each (u16, big-endian), then its bytes. */

import { FarsiteError } from "./errors.ts";

/** Bytes of the longest datagram that UDP over IPv4 carries: 65,535 less the headers of IP and UDP. */
export const MAX_DATAGRAM = 65_507;

/** Bytes of the length. */
const HEADER = 2;

/** What goes before a datagram of `length` bytes. */
export function datagramHeader(length: number): Buffer {
  return Buffer.of(length >>> 8, length & 0xff);
}

/** Takes a stream's bytes apart again. What is not complete is copied: a piece must not keep its whole record. */
export class DatagramReader {
  #header = 0;
  #headerBytes = 0;
  #partial: Buffer | undefined;
  #filled = 0;

  /** @param take gets each datagram; its bytes are not changed afterwards */
  constructor(private readonly take: (datagram: Buffer) => void) {}

  /** Bytes came. Throws E_PROTOCOL when a length is not allowed. */
  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#partial) {
        const bytes = chunk.copy(this.#partial, this.#filled, at);
        this.#filled += bytes;
        at += bytes;
        if (this.#filled < this.#partial.length) return;
        const whole = this.#partial;
        this.#partial = undefined;
        this.take(whole);
        continue;
      }
      this.#header = (this.#header << 8) | (chunk[at++] as number);
      if (++this.#headerBytes < HEADER) continue;
      const length = this.#header;
      this.#header = 0;
      this.#headerBytes = 0;
      if (length > MAX_DATAGRAM) {
        throw new FarsiteError("E_PROTOCOL", `a datagram of ${length} bytes is longer than UDP carries`);
      }
      if (at + length <= chunk.length) {
        this.take(chunk.subarray(at, at + length));
        at += length;
      } else {
        this.#partial = Buffer.allocUnsafeSlow(length);
        this.#filled = 0;
      }
    }
  }
}

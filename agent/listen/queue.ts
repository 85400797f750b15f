/** Datagrams that wait to be sent: the newest are kept, within a number and a size. */

import { Deque } from "../../common/deque.ts";

export interface QueueLimits {
  datagrams: number;
  bytes: number;
}

export class DatagramQueue {
  readonly #waiting = new Deque<Buffer>();
  #bytes = 0;

  constructor(private readonly limits: QueueLimits) {}

  get length(): number {
    return this.#waiting.length;
  }

  /** Puts one at the end; gives how many at the front had to go for it, or 1 when it is too large by itself. */
  push(datagram: Buffer): number {
    if (datagram.length > this.limits.bytes) return 1;
    this.#waiting.push(datagram);
    this.#bytes += datagram.length;
    let dropped = 0;
    while (this.#waiting.length > this.limits.datagrams || this.#bytes > this.limits.bytes) {
      this.shift();
      dropped++;
    }
    return dropped;
  }

  shift(): Buffer | undefined {
    const datagram = this.#waiting.shift();
    this.#bytes -= datagram?.length ?? 0;
    return datagram;
  }

  /** Forgets all; gives how many. */
  clear(): number {
    const count = this.#waiting.length;
    this.#waiting.clear();
    this.#bytes = 0;
    return count;
  }
}

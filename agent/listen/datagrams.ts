/** A listener for datagrams, which go to the central side over one stream that is opened when there are some. */

import type { Timer } from "../../common/clock.ts";
import { Complaints } from "../../common/complaints.ts";
import { datagramHeader } from "../../common/datagram.ts";
import type { ResetReason, Stream } from "../../common/mux/index.ts";
import { type DatagramCount, type LineOptions, priorityOf, refusalText } from "./line.ts";
import { DatagramQueue, type QueueLimits } from "./queue.ts";

export interface DatagramsOptions extends LineOptions {
  queue: QueueLimits;
}

/** ms until a stream is tried again that could not be opened, or was lost, while datagrams wait. */
const REOPEN = 1_000;
/** ms for which a line that the hub refuses is left alone: only a person can change that. */
const REFUSED = 60_000;

export class Datagrams {
  readonly #options: DatagramsOptions;
  readonly #complaints: Complaints;
  readonly #queue: DatagramQueue;
  #stream: Stream | undefined;
  /** The stream has enough for now. */
  #paused = false;
  #retry: Timer | undefined;
  #refusedUntil = Number.NEGATIVE_INFINITY;
  #sent = 0;
  #dropped = 0;
  #refused = 0;

  constructor(options: DatagramsOptions) {
    this.#options = options;
    const { clock, log } = options;
    this.#complaints = new Complaints({ message: "line failed", clock, log });
    this.#queue = new DatagramQueue(options.queue);
  }

  get count(): DatagramCount {
    return {
      sent: this.#sent,
      waiting: this.#queue.length,
      dropped: this.#dropped,
      refused: this.#refused,
    };
  }

  /** Sends a datagram, or lets it wait; what waits longest is dropped for it. Its bytes must not be changed. */
  take(datagram: Buffer): void {
    if (this.#options.clock.now() < this.#refusedUntil) {
      this.#refused++;
      return;
    }
    const dropped = this.#queue.push(datagram);
    this.#dropped += dropped;
    if (dropped > 0) this.#complain("the way to the hub does not take all datagrams");
    this.#pump();
  }

  #pump(): void {
    // one at a time: what waits here can still be dropped for something newer, what the stream has cannot
    while (!this.#paused && this.#queue.length > 0) {
      this.#stream ??= this.#open();
      if (!this.#stream) return;
      const datagram = this.#queue.shift() as Buffer;
      this.#stream.write(datagramHeader(datagram.length));
      this.#paused = !this.#stream.write(datagram);
      this.#sent++;
    }
  }

  #open(): Stream | undefined {
    const { name, open } = this.#options;
    if (this.#retry) return undefined;
    const stream = open(name, priorityOf(name, true));
    if (!stream) {
      this.#later();
      return undefined;
    }
    stream.attach({
      // the hub has nothing to say on it
      data: (chunk) => stream.consumed(chunk.length),
      end: () => {
        stream.reset("cancelled");
        this.#lost("cancelled");
      },
      drain: () => {
        this.#paused = false;
        this.#pump();
      },
      reset: (reason) => this.#lost(reason),
    });
    return stream;
  }

  #lost(reason: ResetReason): void {
    this.#stream = undefined;
    this.#paused = false;
    const refusal = refusalText(reason);
    if (refusal !== undefined) this.#complain(refusal);
    if (reason === "serviceRefused") {
      this.#refusedUntil = this.#options.clock.now() + REFUSED;
      this.#refused += this.#queue.clear();
    }
    this.#later();
  }

  /** Tries again a little later: a hub that resets every stream is not asked in a loop. */
  #later(): void {
    this.#retry ??= this.#options.clock.after(REOPEN, () => {
      this.#retry = undefined;
      this.#pump();
    });
  }

  #complain(reason: string): void {
    this.#complaints.say({ line: this.#options.name, reason });
  }

  stop(): void {
    this.#retry?.cancel();
    this.#queue.clear();
    this.#stream?.reset("cancelled");
    this.#stream = undefined;
  }
}

/** The way back to a client: what waits on it, and how it ends. */

import type { Socket } from "node:net";
import { breakOff } from "../../common/break-off.ts";
import type { Clock } from "../../common/clock.ts";
import { Deadline } from "../../common/deadline.ts";

/** Where an answer's bytes come from, and more of them once these are taken. */
export interface Source {
  consumed(bytes: number): void;
}

export interface OutletOptions {
  socket: Socket;
  clock: Clock;
  /** ms for the last bytes to leave. */
  patience: number;
}

/** ms for a client to go, once it has been told all. */
const LINGER = 2_000;

export class Outlet {
  readonly #options: OutletOptions;
  readonly #deadline: Deadline;
  /** The socket takes no more for now. */
  #blocked = false;
  /** Bytes of an answer that it has not taken, and whose. */
  #owed = 0;
  #source: Source | undefined;
  #closing = false;
  /** It ends, and not in good order. */
  #breaking = false;
  /** All that was said before it was ended has left. */
  #left = false;
  #gone = false;

  constructor(options: OutletOptions) {
    this.#options = options;
    const { socket, clock } = options;
    this.#deadline = new Deadline(clock, () => {
      // to destroy it would end what is still here as if that had been all
      if (this.#breaking || !this.#left) breakOff(socket);
      else socket.destroy();
    });
  }

  /** Bytes wait for the client to read. */
  get blocked(): boolean {
    return this.#blocked;
  }

  /** All has been said. */
  get closing(): boolean {
    return this.#closing;
  }

  /** There is nothing more for the client to wait for. */
  get settled(): boolean {
    return this.#gone || (this.#closing && (this.#left || this.#breaking));
  }

  /** Sends what is at hand. */
  say(bytes: Buffer): void {
    this.#blocked = !this.#options.socket.write(bytes);
  }

  /** Sends a part of an answer; the source hears of it when it has left. */
  relay(chunk: Buffer, source: Source): void {
    if (this.#gone || this.#options.socket.write(chunk)) {
      source.consumed(chunk.length);
      return;
    }
    this.#blocked = true;
    this.#owed += chunk.length;
    this.#source = source;
  }

  /** The socket has got rid of all. */
  drained(): void {
    this.#blocked = false;
    const [source, owed] = [this.#source, this.#owed];
    this.#source = undefined;
    this.#owed = 0;
    source?.consumed(owed);
  }

  /** Ends the connection behind what has been said. */
  finish(): void {
    if (this.#closing) return;
    this.#closing = true;
    if (!this.#gone) this.#deadline.set(this.#options.patience);
    this.#options.socket.end();
  }

  /** All has left after `finish`: a client that does not end its side is not waited for. */
  finished(): void {
    this.#left = true;
    this.#deadline.set(LINGER);
  }

  /** Breaks the connection behind what has been said, so that this cannot be taken for all there is. */
  abort(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#breaking = true;
    this.#deadline.set(LINGER);
    const { socket } = this.#options;
    if (this.#blocked) socket.once("drain", () => breakOff(socket));
    else breakOff(socket);
  }

  /** The connection is gone. */
  gone(): void {
    this.#gone = true;
    this.#deadline.clear();
    this.drained();
  }
}

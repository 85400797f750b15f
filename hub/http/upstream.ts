/** One connection to a site's web server: a stream that serves one request after another. */

import type { Clock } from "../../common/clock.ts";
import { Deadline } from "../../common/deadline.ts";
import type { ResetReason, Stream, StreamHandlers } from "../../common/mux/index.ts";

/**
 * ms for which a stream without a request is kept. Apache closes a connection after 5 s (KeepAliveTimeout): one that is
 * given up before cannot be closed while the next request is on its way. A new stream costs no round trip.
 */
const IDLE = 3_000;

export class Upstream {
  readonly #stream: Stream;
  readonly #deadline: Deadline;
  #user: StreamHandlers | undefined;
  #served = 0;
  #gone = false;

  constructor(stream: Stream, clock: Clock) {
    this.#stream = stream;
    this.#deadline = new Deadline(clock, () => this.drop());
    stream.attach({
      data: (chunk) => (this.#user ? this.#user.data(chunk) : this.drop()),
      end: () => this.#end(),
      drain: () => this.#user?.drain(),
      reset: (reason) => this.#lost(reason),
    });
  }

  /** It can take a request. */
  get usable(): boolean {
    return !this.#gone;
  }

  /** It has served another request before this one: the server may have closed it meanwhile. */
  get reused(): boolean {
    return this.#served > 1;
  }

  /** From now on what comes is for `user`. */
  take(user: StreamHandlers): void {
    this.#deadline.clear();
    this.#user = user;
    this.#served++;
  }

  /** Nobody waits for anything more; another request may follow. */
  rest(): void {
    this.#user = undefined;
    if (!this.#gone) this.#deadline.set(IDLE);
  }

  write(chunk: Buffer): boolean {
    return this.#stream.write(chunk);
  }

  consumed(bytes: number): void {
    this.#stream.consumed(bytes);
  }

  /** Gives it up. */
  drop(): void {
    this.#user = undefined;
    this.#deadline.clear();
    if (this.#gone) return;
    this.#gone = true;
    this.#stream.reset("cancelled");
  }

  /** Leaves the stream to somebody else. */
  release(): Stream {
    this.#user = undefined;
    this.#deadline.clear();
    this.#gone = true;
    return this.#stream;
  }

  #end(): void {
    const user = this.#user;
    this.#gone = true;
    this.#deadline.clear();
    // a request that is not complete is of no use to a server that has said all
    this.#stream.reset("cancelled");
    user?.end();
  }

  #lost(reason: ResetReason): void {
    this.#gone = true;
    this.#deadline.clear();
    this.#user?.reset(reason);
  }
}

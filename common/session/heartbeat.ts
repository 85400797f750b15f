/** Asks the other side for a sign of life, notices when none comes, and measures the round trip. */

import type { Clock, Timer } from "../clock.ts";
import type { Random } from "../random.ts";

/** Heartbeats within the time after which a silent carrier is given up. */
const BEATS = 4;

export interface HeartbeatOptions {
  clock: Clock;
  random: Random;
  /** ms without anything heard, although asked, after which the carrier is given up. */
  deadAfter: number;
  /** Sends a PING with this number. */
  ping(id: number): void;
  /** Nothing was heard for `deadAfter`. */
  silent(): void;
}

export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #timer: Timer | undefined;
  #unanswered = 0;
  #last = 0;
  /** When each of the last pings was sent. */
  readonly #sentAt: number[] = [];
  #rtt: number | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** The last measured round trip in ms. */
  get rtt(): number | undefined {
    return this.#rtt;
  }

  /** Begins anew, on another carrier. */
  start(): void {
    this.#unanswered = 0;
    this.#schedule();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Something came, whatever it was. */
  heard(): void {
    this.#unanswered = 0;
  }

  /** PONG: also a late one tells the round trip, as long as no newer ping took its place. */
  answered(id: number): void {
    const sentAt = id <= this.#last && id > this.#last - BEATS ? this.#sentAt[id % BEATS] : undefined;
    if (sentAt !== undefined) this.#rtt = this.#options.clock.now() - sentAt;
  }

  /**
   * Four beats fit into `deadAfter`, and leave a twentieth of it to have the next carrier by then; the jitter keeps
   * many agents from beating as one.
   */
  #schedule(): void {
    const { clock, random, deadAfter } = this.#options;
    this.#timer?.cancel();
    this.#timer = clock.after((deadAfter / BEATS) * (0.85 + 0.1 * random.unit()), () => this.#beat());
  }

  #beat(): void {
    const { clock, ping, silent } = this.#options;
    if (++this.#unanswered >= BEATS) return silent();
    this.#sentAt[++this.#last % BEATS] = clock.now();
    ping(this.#last);
    this.#schedule();
  }
}

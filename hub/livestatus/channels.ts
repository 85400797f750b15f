/**
 * The channels of a site: how many questions reach its core at a time. A core has few threads (Checkmk 20,
 * Icinga 2 twice the processors), and one that is busy with a slow question answers no other.
 */

import type { Clock, Timer } from "../../common/clock.ts";

export interface ChannelLimits {
  /** How many. */
  limit: number;
  /** ms for which one waits for a channel. */
  timeout: number;
}

export interface ChannelsOptions extends ChannelLimits {
  clock: Clock;
}

interface Waiting {
  granted: (release: () => void) => void;
  timer: Timer;
}

export class Channels {
  #busy = 0;
  /** Who waits, in turns: whoever was served goes to the end. */
  readonly #queues = new Map<string, Waiting[]>();

  constructor(private options: ChannelsOptions) {}

  /** Other limits; those that wait already do so for as long as they were told. */
  reconfigure(limits: ChannelLimits): void {
    this.options = { ...this.options, ...limits };
    this.#next();
  }

  get busy(): number {
    return this.#busy;
  }

  get waiting(): number {
    let count = 0;
    for (const queue of this.#queues.values()) count += queue.length;
    return count;
  }

  /**
   * Asks for a channel. Exactly one of `granted` and `late` is called, perhaps at once, unless what it returns
   * is called first, which gives the place in the queue up.
   * @param who clients of one name take turns with those of other names, and queue among themselves
   */
  acquire(who: string, granted: (release: () => void) => void, late: () => void): () => void {
    if (this.#busy < this.options.limit) {
      this.#grant(granted);
      return () => {};
    }
    const waiting: Waiting = {
      granted,
      timer: this.options.clock.after(this.options.timeout, () => {
        this.#leave(who, waiting);
        late();
      }),
    };
    const queue = this.#queues.get(who);
    if (queue) queue.push(waiting);
    else this.#queues.set(who, [waiting]);
    return () => {
      waiting.timer.cancel();
      this.#leave(who, waiting);
    };
  }

  #grant(granted: (release: () => void) => void): void {
    this.#busy++;
    let released = false;
    granted(() => {
      if (released) return;
      released = true;
      this.#busy--;
      this.#next();
    });
  }

  #next(): void {
    while (this.#busy < this.options.limit) {
      const [turn] = this.#queues;
      if (!turn) return;
      const [who, queue] = turn;
      const waiting = queue.shift();
      this.#queues.delete(who);
      if (queue.length > 0) this.#queues.set(who, queue);
      if (!waiting) continue;
      waiting.timer.cancel();
      this.#grant(waiting.granted);
    }
  }

  #leave(who: string, waiting: Waiting): void {
    const queue = this.#queues.get(who);
    const at = queue?.indexOf(waiting) ?? -1;
    if (!queue || at < 0) return;
    queue.splice(at, 1);
    if (queue.length === 0) this.#queues.delete(who);
  }
}

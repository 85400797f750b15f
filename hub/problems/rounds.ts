/** When each site is asked: each at its own pace, so that slow ones hold nobody back, and no more at a time than set. */

import type { Clock, Timer } from "../../common/clock.ts";
import { Deque } from "../../common/deque.ts";
import type { Random } from "../../common/random.ts";
import { Rate } from "../../common/rate.ts";

export interface RoundsOptions {
  clock: Clock;
  random: Random;
  /** ms from one question to a site to the next. */
  interval: number;
  /** Sites that are asked at a time, and in a second. */
  atOnce: number;
  perSecond: number;
  /** Asks a site; resolves with the ms after which it may be asked again, at the least. Never rejects. */
  ask: (siteId: number) => Promise<number>;
}

interface Turn {
  siteId: number;
  timer: Timer | undefined;
  state: "queued" | "asked" | "resting";
  /** To be asked again at once. */
  again: boolean;
}

/** A site that takes long to answer rests as many times as long: it has more to do than this. */
const REST = 2;
/** ms until the rate is looked at again. */
const PAUSE = 50;

export class Rounds {
  readonly #options: RoundsOptions;
  readonly #rate: Rate;
  readonly #turns = new Map<number, Turn>();
  readonly #queue = new Deque<Turn>();
  #busy = 0;
  #pause: Timer | undefined;

  constructor(options: RoundsOptions) {
    this.#options = options;
    this.#rate = new Rate(options.clock, options.perSecond);
  }

  /** From now on the site is asked. */
  add(siteId: number): void {
    if (this.#turns.has(siteId)) return;
    const turn: Turn = { siteId, timer: undefined, state: "queued", again: false };
    this.#turns.set(siteId, turn);
    this.#queue.push(turn);
    this.#pump();
  }

  /** It is not asked any more. */
  remove(siteId: number): void {
    this.#turns.get(siteId)?.timer?.cancel();
    this.#turns.delete(siteId);
  }

  /** Something is known to be different at a site: it is asked as soon as may be. */
  hurry(siteId: number): void {
    const turn = this.#turns.get(siteId);
    if (turn?.state === "asked") turn.again = true;
    else if (turn?.state === "resting") this.#queueUp(turn);
  }

  stop(): void {
    for (const siteId of [...this.#turns.keys()]) this.remove(siteId);
    this.#queue.clear();
    this.#pause?.cancel();
    this.#pause = undefined;
  }

  #queueUp(turn: Turn): void {
    turn.timer?.cancel();
    turn.timer = undefined;
    turn.state = "queued";
    turn.again = false;
    this.#queue.push(turn);
    this.#pump();
  }

  #pump(): void {
    while (this.#busy < this.#options.atOnce && this.#pause === undefined) {
      const turn = this.#queue.at(0);
      if (!turn) return;
      if (this.#turns.get(turn.siteId) !== turn) this.#queue.shift();
      else if (this.#rate.take()) {
        this.#queue.shift();
        void this.#ask(turn);
      } else {
        this.#pause = this.#options.clock.after(PAUSE, () => {
          this.#pause = undefined;
          this.#pump();
        });
      }
    }
  }

  async #ask(turn: Turn): Promise<void> {
    const { clock, random, interval, ask } = this.#options;
    turn.state = "asked";
    this.#busy++;
    const from = clock.now();
    const least = await ask(turn.siteId);
    this.#busy--;
    if (this.#turns.get(turn.siteId) === turn) {
      const took = clock.now() - from;
      // early by up to a tenth, so that sites do not stay in step
      const rest = Math.max(interval * (1 - 0.1 * random.unit()) - took, REST * took, least);
      turn.state = "resting";
      if (turn.again) this.#queueUp(turn);
      else turn.timer = clock.after(rest, () => this.#queueUp(turn));
    }
    this.#pump();
  }
}

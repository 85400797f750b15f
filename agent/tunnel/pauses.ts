/** How long to wait between two tries, and the waiting, which may be ended. */
import type { Clock, Timer } from "../../common/clock.ts";
import type { ErrorCode } from "../../common/errors.ts";
import type { Random } from "../../common/random.ts";
import { Backoff, REFUSED_BACKOFF_FACTOR } from "./backoff.ts";
import { isForgeable, isStanding } from "./standing.ts";

export class Pauses {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #backoff: Backoff;
  #wait: { timer: Timer; done: () => void } | undefined;
  /** ms after which a hub that stops wants to see us again. */
  #comeBack: number | undefined;

  constructor({ clock, random }: { clock: Clock; random: Random }) {
    this.#clock = clock;
    this.#random = random;
    this.#backoff = new Backoff(random);
  }

  /** The hub, which stops, wants to see us again in `ms`: counts for the next loss. */
  comeBackIn(ms: number): void {
    this.#comeBack = ms;
  }

  /**
   * ms to wait now that a carrier in service is lost.
   * @param held ms that it was in service
   * @param code why it was lost
   */
  afterLoss(held: number, code: ErrorCode | undefined): number {
    const comeBack = this.#comeBack;
    this.#comeBack = undefined;
    if (comeBack !== undefined) return comeBack * (1 + this.#random.unit());
    const standing = code !== undefined && isStanding(code);
    return standing ? this.#backoff.next() : this.#backoff.afterLoss(held, this.#clock.now());
  }

  /**
   * ms to wait now that a try has failed.
   * @param interrupted streams wait for the next carrier
   */
  afterFailure(code: ErrorCode, interrupted: boolean): number {
    // while streams wait, it may as well be that something on the way changed a message
    const seldom = isStanding(code) && !(interrupted && isForgeable(code));
    return this.#backoff.next() * (seldom ? REFUSED_BACKOFF_FACTOR : 1);
  }

  /** Waits `ms`, or until `end`. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wait = { timer: this.#clock.after(ms, resolve), done: resolve };
    });
  }

  end(): void {
    this.#wait?.timer.cancel();
    this.#wait?.done();
  }
}

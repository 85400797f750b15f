/** A carrier whose fate is watched: whether anything ever came over it, how long it lived, and who ended it. */
import type { Carrier, CarrierHandlers } from "../../common/carrier/index.ts";
import type { Clock, Timer } from "../../common/clock.ts";

export class WatchedCarrier implements Carrier {
  readonly kind: string;
  readonly peer: string;
  readonly #inner: Carrier;
  readonly #began: number;
  readonly #clock: Clock;
  readonly #ended: (lived: number) => void;
  #silence: Timer | undefined;
  #handlers: CarrierHandlers | undefined;
  #heard = false;
  #ours = false;
  #silent = false;
  #over = false;

  /**
   * @param patience ms after which a carrier over which nothing came is closed; undefined: never
   * @param ended is called when it served and something else than this side ended it, with the ms that it lived
   */
  constructor(inner: Carrier, clock: Clock, patience: number | undefined, ended: (lived: number) => void) {
    this.#inner = inner;
    this.kind = inner.kind;
    this.peer = inner.peer;
    this.#clock = clock;
    this.#began = clock.now();
    this.#ended = ended;
    if (patience === undefined) return;
    this.#silence = clock.after(patience, () => this.#giveUp(`nothing came within ${patience / 1000} s`));
  }

  /** Something came over it. */
  get heard(): boolean {
    return this.#heard;
  }

  /** It was closed because nothing came over it. */
  get silent(): boolean {
    return this.#silent;
  }

  attach(handlers: CarrierHandlers): void {
    this.#handlers = handlers;
    this.#inner.attach({
      message: (bytes) => {
        if (!this.#heard) this.#hear();
        if (!this.#over) handlers.message(bytes);
      },
      drain: () => handlers.drain(),
      close: (reason) => this.#onClose(reason),
    });
  }

  get unsent(): number {
    return this.#inner.unsent;
  }

  send(message: Uint8Array): void {
    this.#inner.send(message);
  }

  close(reason: string): void {
    this.#ours = true;
    this.#silence?.cancel();
    this.#inner.close(reason);
  }

  #hear(): void {
    this.#heard = true;
    this.#silence?.cancel();
  }

  /** Does not wait for the other side's consent: on a line that swallows everything it never comes. */
  #giveUp(reason: string): void {
    this.#silent = true;
    this.#inner.close(reason);
    this.#onClose(reason);
  }

  #onClose(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#silence?.cancel();
    if (this.#heard && !this.#ours) this.#ended(this.#clock.now() - this.#began);
    this.#handlers?.close(reason);
  }
}

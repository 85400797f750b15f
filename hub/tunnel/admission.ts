/** Who may try a handshake now: bounds how many are open, and how often one address may be refused. */
import type { Clock } from "../../common/clock.ts";
import { Refusals } from "../../common/refusals.ts";

export interface AdmissionLimits {
  /** Handshakes open at once. */
  handshakes: number;
  /** Handshakes open at once from one address, so that one host cannot take them all. */
  handshakesPerAddress: number;
  /** Refusals of one address within a minute after which it is turned away. */
  refusalsPerMinute: number;
}

export interface AdmissionOptions extends AdmissionLimits {
  clock: Clock;
}

export class Admission {
  #open = 0;
  /** Tries that were not heard, since the start. */
  turnedAway = 0;
  readonly #openFrom = new Map<string, number>();
  readonly #refusals: Refusals;

  constructor(private options: AdmissionOptions) {
    this.#refusals = new Refusals(options.clock, options.refusalsPerMinute);
  }

  /** Other limits. */
  reconfigure(limits: AdmissionLimits): void {
    this.options = { ...this.options, ...limits };
    this.#refusals.most = limits.refusalsPerMinute;
  }

  get open(): number {
    return this.#open;
  }

  /** Counts a handshake in; false: turn it away. Every true must be followed by one `leave`. */
  enter(peer: string): boolean {
    const from = this.#openFrom.get(peer) ?? 0;
    const { handshakes, handshakesPerAddress } = this.options;
    if (this.#open >= handshakes || from >= handshakesPerAddress || this.#refusals.tooMany(peer)) {
      this.turnedAway++;
      return false;
    }
    this.#open++;
    this.#openFrom.set(peer, from + 1);
    return true;
  }

  leave(peer: string): void {
    this.#open--;
    const from = this.#openFrom.get(peer) ?? 0;
    if (from > 1) this.#openFrom.set(peer, from - 1);
    else this.#openFrom.delete(peer);
  }

  /** Notes that a try from this address was refused for what it knew, not for what it is. */
  refused(peer: string): void {
    this.#refusals.note(peer);
  }
}

/** Who may try a handshake now: bounds how many are open, and how often one address may be refused. */
import type { Clock } from "../../common/clock.ts";

export interface AdmissionOptions {
  clock: Clock;
  /** Handshakes open at once. */
  handshakes: number;
  /** Handshakes open at once from one address, so that one host cannot take them all. */
  handshakesPerAddress: number;
  /** Refusals of one address within a minute after which it is turned away. */
  refusalsPerMinute: number;
}

const MINUTE = 60_000;
/** Addresses remembered at once; when there are more, the oldest are forgotten. */
const MOST_ADDRESSES = 10_000;

export class Admission {
  #open = 0;
  readonly #openFrom = new Map<string, number>();
  readonly #refusals = new Map<string, { since: number; count: number }>();

  constructor(private readonly options: AdmissionOptions) {}

  get open(): number {
    return this.#open;
  }

  /** Counts a handshake in; false: turn it away. Every true must be followed by one `leave`. */
  enter(peer: string): boolean {
    const from = this.#openFrom.get(peer) ?? 0;
    const { handshakes, handshakesPerAddress } = this.options;
    if (this.#open >= handshakes || from >= handshakesPerAddress || this.#tooOften(peer)) return false;
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
    const now = this.options.clock.now();
    const entry = this.#refusals.get(peer);
    if (entry && now - entry.since < MINUTE) {
      entry.count++;
      return;
    }
    this.#refusals.delete(peer);
    if (this.#refusals.size >= MOST_ADDRESSES) {
      const [oldest] = this.#refusals.keys();
      if (oldest !== undefined) this.#refusals.delete(oldest);
    }
    this.#refusals.set(peer, { since: now, count: 1 });
  }

  #tooOften(peer: string): boolean {
    const entry = this.#refusals.get(peer);
    if (!entry) return false;
    if (this.options.clock.now() - entry.since >= MINUTE) {
      this.#refusals.delete(peer);
      return false;
    }
    return entry.count >= this.options.refusalsPerMinute;
  }
}

/** Who may try a handshake now: bounds how many are open, and how often one address may be refused. */
import type { Clock } from "../../common/clock.ts";

export interface AdmissionOptions {
  clock: Clock;
  /** Handshakes open at once. */
  handshakes: number;
  /** Refusals of one address within a minute after which it is turned away. */
  refusalsPerMinute: number;
}

const MINUTE = 60_000;
/** Addresses remembered at once; when there are more, the oldest are forgotten. */
const MOST_ADDRESSES = 10_000;

export class Admission {
  #open = 0;
  readonly #refusals = new Map<string, { since: number; count: number }>();

  constructor(private readonly options: AdmissionOptions) {}

  get open(): number {
    return this.#open;
  }

  /** Counts a handshake in; false: turn it away. Every true must be followed by one `leave`. */
  enter(peer: string): boolean {
    if (this.#open >= this.options.handshakes || this.#tooOften(peer)) return false;
    this.#open++;
    return true;
  }

  leave(): void {
    this.#open--;
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

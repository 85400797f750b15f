/** Who was refused too often of late: by address, within a minute. */

import type { Clock } from "./clock.ts";
import { parseIp } from "./network.ts";

const MINUTE = 60_000;
/** Addresses remembered at once; when there are more, the oldest are forgotten. */
const MOST_ADDRESSES = 10_000;
/** Bits of an IPv6 address that its holder cannot choose: whoever has one mostly has a /64 (RFC 6177). */
const CHOSEN_BITS = 64n;

export class Refusals {
  readonly #noted = new Map<string, { since: number; count: number }>();

  /** @param most refusals within a minute after which an address is turned away */
  constructor(
    private readonly clock: Clock,
    public most: number,
  ) {}

  /** Notes that a try from this address was refused for what it knew, not for what it is. */
  note(peer: string): void {
    const key = keyOf(peer);
    const now = this.clock.now();
    const entry = this.#noted.get(key);
    if (entry && now - entry.since < MINUTE) {
      entry.count++;
      return;
    }
    this.#noted.delete(key);
    if (this.#noted.size >= MOST_ADDRESSES) {
      const [oldest] = this.#noted.keys();
      if (oldest !== undefined) this.#noted.delete(oldest);
    }
    this.#noted.set(key, { since: now, count: 1 });
  }

  tooMany(peer: string): boolean {
    const key = keyOf(peer);
    const entry = this.#noted.get(key);
    if (!entry) return false;
    if (this.clock.now() - entry.since >= MINUTE) {
      this.#noted.delete(key);
      return false;
    }
    return entry.count >= this.most;
  }
}

function keyOf(peer: string): string {
  const address = parseIp(peer);
  return address?.family === 6 ? `${address.value >> CHOSEN_BITS}/64` : peer;
}

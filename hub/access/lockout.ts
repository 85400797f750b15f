/**
 * Locks a name after too many failed logins. Whoever guesses could so keep its owner out; therefore addresses from which
 * the owner has logged in before are counted by themselves. Names that nobody has are locked like any other.
 */

import type { Clock } from "../../common/clock.ts";

/** Names remembered at once, and addresses of successful logins; when there are more, the oldest are forgotten. */
const MOST = 20_000;

export interface LockoutOptions {
  clock: Clock;
  /** Failures after which a name is locked. */
  failures: number;
  /** ms for which it is; failures older than that do not count. */
  lock: number;
}

export class Lockout {
  readonly #failed = new Map<string, { at: number; count: number }>();
  readonly #trusted = new Map<string, true>();

  constructor(private readonly options: LockoutOptions) {}

  /** ms for which the name is still locked; 0: it is not. */
  left(name: string, from: string): number {
    const { clock, failures, lock } = this.options;
    const key = this.#key(name, from);
    const entry = this.#failed.get(key);
    if (!entry) return 0;
    const left = entry.at + lock - clock.now();
    if (left <= 0) this.#failed.delete(key);
    return left > 0 && entry.count >= failures ? left : 0;
  }

  /** Notes a try that failed; true: the name is locked from now on. */
  failed(name: string, from: string): boolean {
    const key = this.#key(name, from);
    const { clock, lock, failures } = this.options;
    const before = this.#failed.get(key);
    const count = before && clock.now() - before.at < lock ? before.count + 1 : 1;
    remember(this.#failed, key, { at: clock.now(), count });
    return count === failures;
  }

  succeeded(name: string, from: string): void {
    this.#failed.delete(this.#key(name, from));
    remember(this.#trusted, pair(name, from), true);
    this.#failed.delete(pair(name, from));
  }

  #key(name: string, from: string): string {
    const own = pair(name, from);
    return this.#trusted.has(own) ? own : pair(name, "");
  }
}

function pair(name: string, from: string): string {
  return JSON.stringify([name, from]);
}

function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  if (map.size >= MOST) {
    const [oldest] = map.keys();
    if (oldest !== undefined) map.delete(oldest);
  }
  map.set(key, value);
}

/** The end in good order: nothing new is taken, and what is under way is waited for, for a bounded time. */

import type { Clock } from "./clock.ts";

/** Something with requests under way. */
export interface Drainable {
  /** Takes nothing new from now on. */
  drain(): void;
  /** How much is under way that somebody waits for. */
  readonly underWay: number;
}

export interface DrainOptions {
  clock: Clock;
  /** ms that it may take. */
  within: number;
  /** ms for which nothing may have been under way: what was sent before the other side knew must still come. */
  quiet: number;
  /** Resolves when it has to be quick. */
  hurry: Promise<unknown>;
}

/** ms for which a client that has asked nothing yet, or is between two requests, still may: what it sent may be on its way. */
export const LAST_WORDS = 300;
/** ms for which those are taken who have connected to a socket before its file was removed. */
export const HAND_OVER = 100;
/** ms between two looks. */
const LOOK = 20;

/** Drains all parts; resolves with how much is still under way. */
export async function drain(
  parts: readonly Drainable[],
  { clock, within, quiet, hurry }: DrainOptions,
): Promise<number> {
  const underWay = () => parts.reduce((sum, part) => sum + part.underWay, 0);
  for (const part of parts) part.drain();
  const end = clock.now() + within;
  let hurried = false;
  void hurry.then(() => {
    hurried = true;
  });
  let quietSince: number | undefined;
  for (;;) {
    const now = clock.now();
    quietSince = underWay() > 0 ? undefined : (quietSince ?? now);
    if (hurried || now >= end || (quietSince !== undefined && now - quietSince >= quiet)) return underWay();
    await new Promise<void>((resolve) => void clock.after(LOOK, resolve));
  }
}

/**
 * ms: a connection in which requests cannot be seen is waited for as if it were one, such as a fetch of an agent's
 * output; unless it is older than this, and stands for as long as both sides run.
 */
const STANDING = 60_000;

/** Connections in which requests cannot be seen. */
export class Unseen {
  readonly #since = new Set<{ at: number }>();

  constructor(private readonly clock: Clock) {}

  /** One more; call what it gives when it is gone. */
  enter(): () => void {
    const entry = { at: this.clock.now() };
    this.#since.add(entry);
    return () => void this.#since.delete(entry);
  }

  /** Those that are waited for. */
  get young(): number {
    const from = this.clock.now() - STANDING;
    let count = 0;
    for (const { at } of this.#since) if (at > from) count++;
    return count;
  }
}

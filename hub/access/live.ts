/** Logins that something goes on for: open streams of events. They are looked at again and again until they end. */

import type { Clock, Timer } from "../../common/clock.ts";
import { FarsiteError } from "../../common/errors.ts";
import type { Principal } from "./principal.ts";

/** ms between two looks of its own. */
const EVERY = 30_000;

interface Live {
  principal: Principal;
  /** Who it is now; undefined: nobody any more. */
  look: () => Promise<Principal | undefined>;
  ended: () => void;
}

export class LiveLogins {
  readonly #live = new Set<Live>();
  #timer: Timer | undefined;

  constructor(private readonly clock: Clock) {}

  /** Calls `ended` once when the login is over, or has other rights than before; returns how to stop it. */
  follow(principal: Principal, look: Live["look"], ended: () => void): () => void {
    const live = { principal, look, ended };
    this.#live.add(live);
    this.#timer ??= this.clock.after(EVERY, () => this.#again());
    return () => void this.#live.delete(live);
  }

  #again(): void {
    this.#timer = undefined;
    void this.check();
    if (this.#live.size > 0) this.#timer = this.clock.after(EVERY, () => this.#again());
  }

  /** Looks now: somebody logged out, or was changed. */
  async check(): Promise<void> {
    for (const live of [...this.#live]) {
      // what cannot be asked for now is not over
      const now = await live
        .look()
        .catch((error) => (error instanceof FarsiteError ? undefined : live.principal));
      if (now && standing(now) === standing(live.principal)) continue;
      if (this.#live.delete(live)) live.ended();
    }
  }

  close(): void {
    this.#timer?.cancel();
    this.#live.clear();
  }
}

function standing({ role, tenants, token }: Principal): string {
  return JSON.stringify([role, tenants, token?.scope]);
}

/** Takes the oldest records of the audit away, when there are too many or they are too old. */

import type { Clock, Timer } from "../../../common/clock.ts";
import type { Log } from "../../../common/log.ts";
import type { Store } from "../store/index.ts";
import { anchorOf, setAnchor } from "./anchor.ts";
import type { Row } from "./record.ts";
import { type Link, NO_SEAL, sameSeal } from "./seal.ts";
import { trailOf } from "./trail.ts";

export interface RetentionLimits {
  /** Records that are kept. */
  rows: number;
  /** ms for which a record is kept. */
  age: number;
}

export interface RetentionOptions extends RetentionLimits {
  store: Store;
  clock: Clock;
  log: Log;
}

/** ms between two looks; what is written meanwhile is what the audit may have too much. */
const INTERVAL = 60_000;
/** Records that go in one transaction: others wait for it. */
const BATCH = 500;

export class AuditRetention {
  #timer: Timer | undefined;
  #stopped = false;

  constructor(private options: RetentionOptions) {}

  /** Other limits, from the next look on. */
  reconfigure(limits: RetentionLimits): void {
    this.options = { ...this.options, ...limits };
  }

  /** Begins; the first look is at once. */
  start(): void {
    void this.#look();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #look(): Promise<void> {
    const { clock, log } = this.options;
    try {
      while (!this.#stopped && (await this.prune()) > 0);
    } catch {
      log.warn("the registry cannot be written");
    }
    if (!this.#stopped) this.#timer = clock.after(INTERVAL, () => void this.#look());
  }

  /**
   * Takes some of those away that are too many or too old; how many it were. Only from the beginning: the rest stays a
   * chain, fastened to the anchor.
   */
  prune(): Promise<number> {
    const { store } = this.options;
    return store.transaction(async (sql) => {
      const oldest = await sql<Row & Link>`
        SELECT id AS number, at, who, origin, action, tenant, site, detail, seal FROM audit ORDER BY id LIMIT ${BATCH}`;
      const before = (await anchorOf(sql))?.seal ?? NO_SEAL;
      const going = oldest.slice(0, Math.max(this.#surplus(oldest), this.#old(oldest, before)));
      const last = going.at(-1);
      if (!last) return 0;
      await sql`DELETE FROM audit WHERE id <= ${last.number}`;
      await setAnchor(sql, last, trailOf(store).sealer);
      return going.length;
    });
  }

  /** How many are too many. */
  #surplus(oldest: readonly Link[]): number {
    const least = trailOf(this.options.store).head.number - this.options.rows;
    return oldest.filter(({ number }) => number <= least).length;
  }

  /** How many are too old. One whose time was changed since stays: else who can change it could have it removed. */
  #old(oldest: readonly (Row & Link)[], anchored: string): number {
    const { store, clock, age } = this.options;
    const { sealer } = trailOf(store);
    let before = anchored;
    let count = 0;
    for (const record of oldest) {
      if (record.at >= clock.wall() - age) break;
      if (!sameSeal(record.seal, sealer.record(before, record.number, record))) break;
      before = record.seal;
      count++;
    }
    return count;
  }
}

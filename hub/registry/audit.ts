/** The audit: who did what, from where, and what came of it. Bounded in age and in number. */

import type { Clock, Timer } from "../../common/clock.ts";
import type { Log } from "../../common/log.ts";
import type { Statements, Store } from "./store.ts";

/** Who does something, and from where. */
export interface Actor {
  /** Such as "admin alice", "client" or "agent db1". */
  who: string;
  /** An address, "unix" or "admin socket"; empty where it is the hub's own doing. */
  from: string;
}

export interface AuditRecord {
  /** ISO 8601, UTC. */
  time: string;
  who: string;
  from: string;
  /** Such as "site.add"; operator.md has them all. */
  action: string;
  tenant: string;
  /** Empty where it is about the tenant. */
  site: string;
  detail: string;
}

/** Which records are wanted: those that meet all that is named. */
export interface AuditFilter {
  tenant?: string | undefined;
  site?: string | undefined;
  /** What the action begins with. */
  action?: string | undefined;
  /** ms since the epoch. */
  since?: number | undefined;
  /** At most so many, the newest. */
  limit: number;
}

/** UTF-16 units that are kept of a detail: some are a core's or an agent's words. */
const LONGEST_DETAIL = 1_000;

/** @param target the tenant, or `TENANT/SITE` */
export async function writeAudit(
  sql: Statements,
  at: number,
  actor: Actor | string,
  action: string,
  target: string,
  detail: string,
): Promise<void> {
  const { who, from } = typeof actor === "string" ? { who: actor, from: "" } : actor;
  const [tenant = "", site = ""] = target.split("/");
  await sql`INSERT INTO audit (at, who, origin, action, tenant, site, detail)
            VALUES (${at}, ${who}, ${from}, ${action}, ${tenant}, ${site}, ${detail.slice(0, LONGEST_DETAIL)})`;
}

/** Records that one statement looks through: the hub has more to do than to search. */
const SCANNED = 20_000;

interface Row {
  at: number;
  who: string;
  origin: string;
  action: string;
  tenant: string;
  site: string;
  detail: string;
}

/** The newest records that are wanted, the newest last. */
export async function readAudit(store: Store, filter: AuditFilter): Promise<AuditRecord[]> {
  const { tenant = null, site = null, action = "", since = 0, limit } = filter;
  const range = await store.transaction(
    (sql) => sql<{ first: number | null; last: number | null }>`
      SELECT (SELECT MIN(id) FROM audit) AS first, (SELECT MAX(id) FROM audit) AS last`,
  );
  const { first, last } = range[0] ?? { first: null, last: null };
  const found: Row[] = [];
  for (let end = last ?? 0; end >= (first ?? 1) && found.length < limit; end -= SCANNED) {
    const rows = await store.transaction(
      (sql) => sql<Row>`
        SELECT at, who, origin, action, tenant, site, detail FROM audit
        WHERE id <= ${end} AND id > ${end - SCANNED} AND at >= ${since}
          AND (${tenant} IS NULL OR tenant = ${tenant}) AND (${site} IS NULL OR site = ${site})
          AND substr(action, 1, ${action.length}) = ${action}
        ORDER BY id DESC LIMIT ${limit - found.length}`,
    );
    found.push(...rows);
  }
  return found.reverse().map(({ at, origin, ...row }) => ({
    time: new Date(at).toISOString(),
    who: row.who,
    from: origin,
    action: row.action,
    tenant: row.tenant,
    site: row.site,
    detail: row.detail,
  }));
}

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

/** Takes old records away. */
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

  /** Takes some of those away that are too many or too old; how many it were. */
  prune(): Promise<number> {
    const { store, clock, rows, age } = this.options;
    return store.transaction(async (sql) => {
      // ids have no gaps but those of records that were too old
      const surplus = await sql`
        DELETE FROM audit WHERE id IN (
          SELECT id FROM audit WHERE id <= (SELECT MAX(id) FROM audit) - ${rows} ORDER BY id LIMIT ${BATCH}
        ) RETURNING id`;
      const old = await sql`
        DELETE FROM audit WHERE id IN (
          SELECT id FROM audit WHERE at < ${clock.wall() - age} ORDER BY at LIMIT ${BATCH}
        ) RETURNING id`;
      return surplus.length + old.length;
    });
  }
}

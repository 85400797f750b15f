/** The audit's records: who did what, from where, and what came of it. */

import type { Store } from "../store/index.ts";

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
  until?: number | undefined;
  /** At most so many, the newest. */
  limit: number;
}

/** Records that one statement looks through: the hub has more to do than to search. */
const SCANNED = 20_000;

/** What of a record is in the table, its number and its seal aside. */
export interface Row {
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
  const { tenant = null, site = null, action = "", since = 0, until = null, limit } = filter;
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
          AND (${until} IS NULL OR at <= ${until})
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

/** Who is logged in at the web interface. What the browser holds is kept hashed only. */

import { type Actor, writeAudit } from "./audit/index.ts";
import type { Store } from "./store/index.ts";
import { tenantsOf, userRow } from "./users.ts";

export interface StoredSession {
  /** Undefined: of somebody whom an OpenID provider vouched for. */
  userId: number | undefined;
  name: string;
  role: string;
  tenants: string[];
  /** ms since the epoch. */
  seen: number;
  ends: number;
}

/** Of whom a session is to be. */
export interface NewSession extends Omit<StoredSession, "seen"> {
  hash: string;
}

interface SessionRow {
  user_id: number | null;
  name: string;
  role: string;
  tenants: string;
  seen_at: number;
  ends_at: number;
  /** As the user's row has it now. */
  user_role: string | null;
}

export class WebSessions {
  constructor(
    private readonly store: Store,
    private readonly wall: () => number,
    /** Sessions that are kept; those not seen for longest end when there are more. */
    private readonly most: { all: number; ofOne: number },
  ) {}

  async add({ hash, userId, name, role, tenants, ends }: NewSession): Promise<void> {
    const now = this.wall();
    await this.store.transaction(async (sql) => {
      await sql`DELETE FROM web_session WHERE ends_at <= ${now}`;
      await sql`DELETE FROM web_session WHERE hash IN (
                  SELECT hash FROM web_session WHERE name = ${name} ORDER BY seen_at DESC LIMIT -1 OFFSET ${this.most.ofOne - 1})`;
      await sql`DELETE FROM web_session WHERE hash IN (
                  SELECT hash FROM web_session ORDER BY seen_at DESC LIMIT -1 OFFSET ${this.most.all - 1})`;
      await sql`INSERT INTO web_session (hash, user_id, name, role, tenants, started_at, seen_at, ends_at)
                VALUES (${hash}, ${userId ?? null}, ${name}, ${role}, ${JSON.stringify(tenants)}, ${now}, ${now}, ${ends})`;
    });
  }

  /** A local user's role and tenants are those of now. */
  find(hash: string): Promise<StoredSession | undefined> {
    return this.store.transaction(async (sql) => {
      const [row] = await sql<SessionRow>`
        SELECT web_session.*, web_user.role AS user_role
        FROM web_session LEFT JOIN web_user ON web_user.id = web_session.user_id
        WHERE web_session.hash = ${hash}`;
      if (!row) return undefined;
      return {
        userId: row.user_id ?? undefined,
        name: row.name,
        role: row.user_role ?? row.role,
        tenants:
          row.user_id === null ? (JSON.parse(row.tenants) as string[]) : await tenantsOf(sql, row.user_id),
        seen: row.seen_at,
        ends: row.ends_at,
      };
    });
  }

  /** It is used now; noted only if it was not since `before`, ms since the epoch. */
  async touch(hash: string, before: number): Promise<void> {
    await this.store.transaction(
      (sql) =>
        sql`UPDATE web_session SET seen_at = ${this.wall()} WHERE hash = ${hash} AND seen_at <= ${before}`,
    );
  }

  async end(hash: string): Promise<void> {
    await this.store.transaction((sql) => sql`DELETE FROM web_session WHERE hash = ${hash}`);
  }

  /** Ends all of one name; how many there were. Throws E_NOT_FOUND where nobody has that name. */
  endOf(actor: Actor | string, name: string): Promise<number> {
    return this.store.transaction(async (sql) => {
      const { length } = await sql`DELETE FROM web_session WHERE name = ${name} RETURNING hash`;
      if (length === 0) await userRow(sql, name);
      await writeAudit(sql, this.wall(), actor, "user.logout", "", `${name}, sessions: ${length}`);
      return length;
    });
  }

  /** Takes away those that ended, or were not used since `unseen`, ms since the epoch. */
  async prune(unseen: number): Promise<void> {
    await this.store.transaction(
      (sql) => sql`DELETE FROM web_session WHERE ends_at <= ${this.wall()} OR seen_at <= ${unseen}`,
    );
  }
}

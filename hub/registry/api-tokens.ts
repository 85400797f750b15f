/** API tokens of local users: expiring, held to a scope, kept hashed. */

import { FarsiteError } from "../../common/errors.ts";
import { userName } from "../../common/names.ts";
import { type Actor, writeAudit } from "./audit/index.ts";
import type { Store } from "./store/index.ts";
import { tenantsOf, userRow } from "./users.ts";

/** What is known of a token that may be shown. */
export interface ApiToken {
  id: string;
  user: string;
  name: string;
  /** Rights of hub/access. */
  scope: string[];
  /** ms since the epoch. */
  created: number;
  expires: number;
  used: number | undefined;
}

/** A token with whose it is, as of now. */
export interface StoredToken extends ApiToken {
  hash: string;
  role: string;
  tenants: string[];
}

interface TokenRow {
  id: string;
  user_id: number;
  owner: string;
  role: string;
  name: string;
  hash: string;
  scope: string;
  created_at: number;
  expires_at: number;
  used_at: number | null;
}

export class ApiTokens {
  constructor(
    private readonly store: Store,
    private readonly wall: () => number,
  ) {}

  /** Throws E_NAME, E_EXISTS, or E_NOT_FOUND for the user. */
  async add(
    actor: Actor | string,
    token: {
      id: string;
      hash: string;
      user: string;
      name: string;
      scope: readonly string[];
      expires: number;
    },
  ): Promise<void> {
    const { id, hash, user, name, scope, expires } = token;
    const valid = userName.safeParse(name);
    if (!valid.success)
      throw new FarsiteError("E_NAME", `not a token name: ${name}`, valid.error.issues[0]?.message);
    await this.store.transaction(async (sql) => {
      const owner = await userRow(sql, user);
      if ((await sql`SELECT 1 FROM api_token WHERE user_id = ${owner.id} AND name = ${name}`).length > 0)
        throw new FarsiteError("E_EXISTS", `${user} has a token ${name} already`, "Remove it first.");
      await sql`INSERT INTO api_token (id, user_id, name, hash, scope, created_at, expires_at)
                VALUES (${id}, ${owner.id}, ${name}, ${hash}, ${scope.join(" ")}, ${this.wall()}, ${expires})`;
      const detail = `${user}/${name}: ${scope.join(", ")}; expires ${new Date(expires).toISOString()}`;
      await writeAudit(sql, this.wall(), actor, "api-token.add", "", detail);
    });
  }

  /** Of one user or all. */
  list(user?: string): Promise<ApiToken[]> {
    return this.store.transaction(async (sql) => {
      const rows = await sql<TokenRow>`
        SELECT api_token.*, web_user.name AS owner, web_user.role AS role
        FROM api_token JOIN web_user ON web_user.id = api_token.user_id
        WHERE ${user ?? null} IS NULL OR web_user.name = ${user ?? null}
        ORDER BY web_user.name, api_token.name`;
      return rows.map(shown);
    });
  }

  find(id: string): Promise<StoredToken | undefined> {
    return this.store.transaction(async (sql) => {
      const [row] = await sql<TokenRow>`
        SELECT api_token.*, web_user.name AS owner, web_user.role AS role
        FROM api_token JOIN web_user ON web_user.id = api_token.user_id WHERE api_token.id = ${id}`;
      if (!row) return undefined;
      const { hash, role, user_id } = row;
      return { ...shown(row), hash, role, tenants: await tenantsOf(sql, user_id) };
    });
  }

  async touch(id: string): Promise<void> {
    await this.store.transaction(
      (sql) => sql`UPDATE api_token SET used_at = ${this.wall()} WHERE id = ${id}`,
    );
  }

  /** Throws E_NOT_FOUND. */
  async remove(actor: Actor | string, user: string, name: string): Promise<void> {
    await this.store.transaction(async (sql) => {
      const gone = await sql`
        DELETE FROM api_token WHERE name = ${name}
          AND user_id = (SELECT id FROM web_user WHERE name = ${user}) RETURNING id`;
      if (gone.length === 0) throw new FarsiteError("E_NOT_FOUND", `there is no token ${user}/${name}`);
      await writeAudit(sql, this.wall(), actor, "api-token.remove", "", `${user}/${name}`);
    });
  }
}

function shown({ id, owner, name, scope, created_at, expires_at, used_at }: TokenRow): ApiToken {
  return {
    id,
    user: owner,
    name,
    scope: scope.split(" "),
    created: created_at,
    expires: expires_at,
    used: used_at ?? undefined,
  };
}

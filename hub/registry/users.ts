/** Local users of the web interface, and for which tenants they are. */

import { FarsiteError } from "../../common/errors.ts";
import { userName } from "../../common/names.ts";
import { type Actor, writeAudit } from "./audit/index.ts";
import { tenantId } from "./registry.ts";
import type { Statements, Store } from "./store/index.ts";

/** What is known of a user that may be shown. */
export interface User {
  name: string;
  /** One of hub/access. */
  role: string;
  /** Empty with a role that is for all tenants. */
  tenants: string[];
  /** Without one only API tokens can be used. */
  password: boolean;
  /** ms since the epoch. */
  created: number;
}

export interface StoredUser {
  id: number;
  role: string;
  tenants: string[];
  passwordHash: string | undefined;
}

interface UserRow {
  id: number;
  name: string;
  role: string;
  password_hash: string | null;
  created_at: number;
}

export class Users {
  constructor(
    private readonly store: Store,
    private readonly wall: () => number,
  ) {}

  /** Throws E_NAME, E_EXISTS, or E_NOT_FOUND for a tenant. */
  async add(
    actor: Actor | string,
    user: { name: string; role: string; tenants: readonly string[]; passwordHash: string | undefined },
  ): Promise<User> {
    const { name, role, tenants, passwordHash } = user;
    const valid = userName.safeParse(name);
    if (!valid.success)
      throw new FarsiteError("E_NAME", `not a user name: ${name}`, valid.error.issues[0]?.message);
    return this.store.transaction(async (sql) => {
      if ((await sql`SELECT 1 FROM web_user WHERE name = ${name}`).length > 0)
        throw new FarsiteError("E_EXISTS", `the user ${name} exists already`);
      await sql`INSERT INTO web_user (name, role, password_hash, created_at)
                VALUES (${name}, ${role}, ${passwordHash ?? null}, ${this.wall()})`;
      const { id } = await userRow(sql, name);
      await nameTenants(sql, id, tenants);
      await writeAudit(sql, this.wall(), actor, "user.add", "", described(name, role, tenants));
      return userOf(sql, await userRow(sql, name));
    });
  }

  list(): Promise<User[]> {
    return this.store.transaction(async (sql) => {
      const users: User[] = [];
      for (const row of await sql<UserRow>`SELECT * FROM web_user ORDER BY name`)
        users.push(await userOf(sql, row));
      return users;
    });
  }

  /** Undefined: there is none of this name. */
  find(name: string): Promise<StoredUser | undefined> {
    return this.store.transaction(async (sql) => {
      const [row] = await sql<UserRow>`SELECT * FROM web_user WHERE name = ${name}`;
      if (!row) return undefined;
      const { role, tenants } = await userOf(sql, row);
      return { id: row.id, role, tenants, passwordHash: row.password_hash ?? undefined };
    });
  }

  /** Gives a user a password, or takes it away; sessions end. Throws E_NOT_FOUND. */
  async setPassword(actor: Actor | string, name: string, passwordHash: string | undefined): Promise<void> {
    await this.store.transaction(async (sql) => {
      const { id } = await userRow(sql, name);
      await sql`UPDATE web_user SET password_hash = ${passwordHash ?? null} WHERE id = ${id}`;
      await sql`DELETE FROM web_session WHERE user_id = ${id}`;
      await writeAudit(sql, this.wall(), actor, "user.passwd", "", name);
    });
  }

  /** Sessions end. Throws E_NOT_FOUND, also for a tenant. */
  async setRole(
    actor: Actor | string,
    name: string,
    role: string,
    tenants: readonly string[],
  ): Promise<User> {
    return this.store.transaction(async (sql) => {
      const { id } = await userRow(sql, name);
      await sql`UPDATE web_user SET role = ${role} WHERE id = ${id}`;
      await sql`DELETE FROM web_user_tenant WHERE user_id = ${id}`;
      await nameTenants(sql, id, tenants);
      await sql`DELETE FROM web_session WHERE user_id = ${id}`;
      await writeAudit(sql, this.wall(), actor, "user.role", "", described(name, role, tenants));
      return userOf(sql, await userRow(sql, name));
    });
  }

  /** Sessions and tokens go, too. Throws E_NOT_FOUND. */
  async remove(actor: Actor | string, name: string): Promise<void> {
    await this.store.transaction(async (sql) => {
      const { id } = await userRow(sql, name);
      await sql`DELETE FROM web_user WHERE id = ${id}`;
      await writeAudit(sql, this.wall(), actor, "user.remove", "", name);
    });
  }
}

/** Throws E_NOT_FOUND. */
export async function userRow(sql: Statements, name: string): Promise<UserRow> {
  const [row] = await sql<UserRow>`SELECT * FROM web_user WHERE name = ${name}`;
  if (!row) throw new FarsiteError("E_NOT_FOUND", `there is no user ${name}`, "farsite-hub user list");
  return row;
}

export async function tenantsOf(sql: Statements, userId: number): Promise<string[]> {
  const rows = await sql<{ name: string }>`
    SELECT tenant.name AS name FROM web_user_tenant JOIN tenant ON tenant.id = web_user_tenant.tenant_id
    WHERE web_user_tenant.user_id = ${userId} ORDER BY tenant.name`;
  return rows.map(({ name }) => name);
}

async function userOf(
  sql: Statements,
  { id, name, role, password_hash, created_at }: UserRow,
): Promise<User> {
  const password = password_hash !== null;
  return { name, role, tenants: await tenantsOf(sql, id), password, created: created_at };
}

async function nameTenants(sql: Statements, userId: number, tenants: readonly string[]): Promise<void> {
  for (const tenant of new Set(tenants)) {
    const id = await tenantId(sql, tenant);
    await sql`INSERT INTO web_user_tenant (user_id, tenant_id) VALUES (${userId}, ${id})`;
  }
}

function described(name: string, role: string, tenants: readonly string[]): string {
  return tenants.length === 0 ? `${name}, ${role}` : `${name}, ${role} of ${tenants.join(", ")}`;
}

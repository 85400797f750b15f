/** Who is who: tenants, their sites, the keys and tokens of these. The one authority for all of it. */
import { hex } from "../../common/bytes.ts";
import { FarsiteError } from "../../common/errors.ts";
import { siteName, tenantName } from "../../common/names.ts";
import { type Actor, type AuditFilter, type AuditRecord, readAudit, writeAudit } from "./audit/index.ts";
import type { Pool } from "./pool.ts";
import type { Statements, Store } from "./store/index.ts";

export interface Site {
  id: number;
  tenant: string;
  name: string;
  address: string;
  enabled: boolean;
  services: string[];
  /** When an agent was last connected, ms since the epoch. */
  lastSeen: number | undefined;
  /** The public key of its agent, hexadecimal, when one is enrolled. */
  key: string | undefined;
  /** The host name its agent gave at enrolment. */
  host: string | undefined;
  /** Since when that key holds, ms since the epoch. */
  keySince?: number | undefined;
  /** Its agent is to make another key. */
  renewKey?: boolean;
  /** The hub's key by which its agent knew the hub when it last came, hexadecimal. */
  hubKey?: string | undefined;
}

export interface RegistryOptions {
  store: Store;
  pool: Pool;
  /** Wall clock, ms. */
  wall: () => number;
  /** ms after which an agent's key is not good any more. Default: it is good until it is revoked. */
  keyLife?: number | undefined;
}

interface SiteRow {
  id: number;
  tenant: string;
  name: string;
  address_index: number;
  enabled: number;
  last_seen_at: number | null;
  public_key: string | null;
  host: string | null;
  enrolled_at: number | null;
  renew: number | null;
  hub_key: string | null;
}

/** Splits `TENANT/SITE`. Throws E_NAME. */
export function parseSitePath(path: string): { tenant: string; site: string } {
  const [tenant = "", site = "", ...rest] = path.split("/");
  if (rest.length > 0 || tenant === "" || site === "") {
    throw new FarsiteError("E_NAME", `not a site: ${path}`, "Name it TENANT/SITE, for example acme/main.");
  }
  checkName(tenantName, tenant, "tenant");
  checkName(siteName, site, "site");
  return { tenant, site };
}

export class Registry {
  readonly #store: Store;
  readonly #pool: Pool;
  readonly #wall: () => number;
  readonly #keyLife: number;

  constructor(options: RegistryOptions) {
    this.#keyLife = options.keyLife ?? Number.POSITIVE_INFINITY;
    this.#store = options.store;
    this.#pool = options.pool;
    this.#wall = options.wall;
  }

  async addTenant(actor: Actor | string, name: string): Promise<void> {
    checkName(tenantName, name, "tenant");
    await this.#store.transaction(async (sql) => {
      if ((await sql`SELECT 1 FROM tenant WHERE name = ${name}`).length > 0) {
        throw new FarsiteError("E_EXISTS", `the tenant ${name} exists already`);
      }
      await sql`INSERT INTO tenant (name, created_at) VALUES (${name}, ${this.#wall()})`;
      await this.#audit(sql, actor, "tenant.add", name);
    });
  }

  async tenants(): Promise<{ name: string; sites: number }[]> {
    return this.#store.transaction(
      (sql) => sql<{ name: string; sites: number }>`
        SELECT tenant.name AS name, COUNT(site.id) AS sites
        FROM tenant LEFT JOIN site ON site.tenant_id = tenant.id GROUP BY tenant.id, tenant.name ORDER BY tenant.name`,
    );
  }

  /** Removes a tenant that has no sites. */
  async removeTenant(actor: Actor | string, name: string): Promise<void> {
    await this.#store.transaction(async (sql) => {
      const id = await tenantId(sql, name);
      if ((await sql`SELECT 1 FROM site WHERE tenant_id = ${id} LIMIT 1`).length > 0) {
        throw new FarsiteError("E_EXISTS", `the tenant ${name} still has sites`, "Remove its sites first.");
      }
      await sql`DELETE FROM tenant WHERE id = ${id}`;
      await this.#audit(sql, actor, "tenant.remove", name);
    });
  }

  /** Adds a site with the services the central side may use, and gives it its address for life. */
  async addSite(actor: Actor | string, tenant: string, name: string, services: string[]): Promise<Site> {
    checkName(siteName, name, "site");
    return this.#store.transaction(async (sql) => {
      const owner = await tenantId(sql, tenant);
      if ((await sql`SELECT 1 FROM site WHERE tenant_id = ${owner} AND name = ${name}`).length > 0) {
        throw new FarsiteError("E_EXISTS", `the site ${tenant}/${name} exists already`);
      }
      const [id, index] = [await this.#nextId(sql), await this.#freeIndex(sql)];
      await sql`INSERT INTO site (id, tenant_id, name, address_index, created_at)
                VALUES (${id}, ${owner}, ${name}, ${index}, ${this.#wall()})`;
      const site = await this.#site(sql, tenant, name);
      await nameServices(sql, site.id, services);
      await this.#audit(sql, actor, "site.add", `${tenant}/${name}`, site.address);
      return this.#site(sql, tenant, name);
    });
  }

  async sites(tenant?: string): Promise<Site[]> {
    return this.#store.transaction(async (sql) => {
      if (tenant !== undefined) await tenantId(sql, tenant);
      const all = await this.#select(sql);
      return tenant === undefined ? all : all.filter((site) => site.tenant === tenant);
    });
  }

  async site(tenant: string, name: string): Promise<Site> {
    return this.#store.transaction((sql) => this.#site(sql, tenant, name));
  }

  async setEnabled(actor: Actor | string, tenant: string, name: string, enabled: boolean): Promise<Site> {
    return this.#store.transaction(async (sql) => {
      const site = await this.#site(sql, tenant, name);
      await sql`UPDATE site SET enabled = ${enabled ? 1 : 0} WHERE id = ${site.id}`;
      await this.#audit(sql, actor, enabled ? "site.enable" : "site.disable", `${tenant}/${name}`);
      return { ...site, enabled };
    });
  }

  /** Says anew which services of a site the central side may use. */
  async setServices(actor: Actor | string, tenant: string, name: string, services: string[]): Promise<Site> {
    return this.#store.transaction(async (sql) => {
      const site = await this.#site(sql, tenant, name);
      await sql`DELETE FROM site_service WHERE site_id = ${site.id}`;
      await nameServices(sql, site.id, services);
      await this.#audit(sql, actor, "site.services", `${tenant}/${name}`, services.join(","));
      return this.#site(sql, tenant, name);
    });
  }

  /** Ends the agent's key and every open token of a site. */
  async revoke(actor: Actor | string, tenant: string, name: string): Promise<Site> {
    return this.#store.transaction(async (sql) => {
      const site = await this.#site(sql, tenant, name);
      const now = this.#wall();
      await sql`UPDATE agent_key SET ended_at = ${now} WHERE site_id = ${site.id} AND ended_at IS NULL`;
      await sql`UPDATE token SET revoked_at = ${now}
                WHERE site_id = ${site.id} AND used_at IS NULL AND revoked_at IS NULL`;
      await this.#audit(sql, actor, "site.revoke", `${tenant}/${name}`);
      return this.#site(sql, tenant, name);
    });
  }

  async removeSite(actor: Actor | string, tenant: string, name: string): Promise<Site> {
    return this.#store.transaction(async (sql) => {
      const site = await this.#site(sql, tenant, name);
      await sql`DELETE FROM site_service WHERE site_id = ${site.id}`;
      await sql`DELETE FROM agent_key WHERE site_id = ${site.id}`;
      await sql`DELETE FROM token WHERE site_id = ${site.id}`;
      await sql`DELETE FROM site WHERE id = ${site.id}`;
      await this.#audit(sql, actor, "site.remove", `${tenant}/${name}`, site.address);
      return site;
    });
  }

  /** The site whose agent holds `publicKey`. Throws E_KEY_UNKNOWN, E_KEY_REVOKED or E_SITE_DISABLED. */
  async siteOfKey(publicKey: Uint8Array): Promise<Site> {
    const key = hex(publicKey);
    return this.#store.transaction(async (sql) => {
      const rows = await sql<{ tenant: string; name: string; ended_at: number | null; enrolled_at: number }>`
        SELECT tenant.name AS tenant, site.name AS name, agent_key.ended_at AS ended_at,
               agent_key.enrolled_at AS enrolled_at
        FROM agent_key JOIN site ON site.id = agent_key.site_id JOIN tenant ON tenant.id = site.tenant_id
        WHERE agent_key.public_key = ${key}`;
      const [row] = rows;
      if (!row) throw new FarsiteError("E_KEY_UNKNOWN", "this agent is not enrolled at this hub");
      if (row.ended_at !== null) {
        throw new FarsiteError(
          "E_KEY_REVOKED",
          "this agent's key was revoked, or another enrolment replaced it",
        );
      }
      if (this.#wall() - row.enrolled_at > this.#keyLife) {
        throw new FarsiteError("E_KEY_REVOKED", "this agent's key was not renewed in time, and has expired");
      }
      const site = await this.#site(sql, row.tenant, row.name);
      if (!site.enabled) throw new FarsiteError("E_SITE_DISABLED", "this site is disabled at the hub");
      return site;
    });
  }

  /** Notes that a site's agent is connected now. */
  async seen(siteId: number): Promise<void> {
    await this.#store.transaction(
      (sql) => sql`UPDATE site SET last_seen_at = ${this.#wall()} WHERE id = ${siteId}`,
    );
  }

  /** The newest audit records that are wanted, the newest last. */
  records(filter: AuditFilter): Promise<AuditRecord[]> {
    return readAudit(this.#store, filter);
  }

  /** Writes into the audit what somebody tried and what came of it; `target` is `TENANT` or `TENANT/SITE`. */
  async record(actor: Actor | string, action: string, target: string, detail: string): Promise<void> {
    await this.#store.transaction((sql) => this.#audit(sql, actor, action, target, detail));
  }

  /** For the modules of this folder that add to what a site has. */
  async withSite<T>(
    actor: Actor | string,
    tenant: string,
    name: string,
    work: (
      sql: Statements,
      site: Site,
      audit: (action: string, detail?: string) => Promise<void>,
    ) => Promise<T>,
  ): Promise<T> {
    return this.#store.transaction(async (sql) => {
      const site = await this.#site(sql, tenant, name);
      return work(sql, site, (action, detail) =>
        this.#audit(sql, actor, action, `${tenant}/${name}`, detail),
      );
    });
  }

  async #site(sql: Statements, tenant: string, name: string): Promise<Site> {
    const site = (await this.#select(sql, tenant, name))[0];
    if (!site) throw noSite(tenant, name);
    return site;
  }

  async #select(sql: Statements, tenant?: string, name?: string): Promise<Site[]> {
    const rows = await sql<SiteRow>`
      SELECT site.id AS id, tenant.name AS tenant, site.name AS name, site.address_index AS address_index,
             site.enabled AS enabled, site.last_seen_at AS last_seen_at,
             agent_key.public_key AS public_key, agent_key.host AS host,
             agent_key.enrolled_at AS enrolled_at, agent_key.renew AS renew, agent_key.hub_key AS hub_key
      FROM site JOIN tenant ON tenant.id = site.tenant_id
      LEFT JOIN agent_key ON agent_key.site_id = site.id AND agent_key.ended_at IS NULL
                          AND agent_key.follows IS NULL
      WHERE (${tenant ?? null} IS NULL OR tenant.name = ${tenant ?? null})
        AND (${name ?? null} IS NULL OR site.name = ${name ?? null})
      ORDER BY tenant.name, site.name`;
    const services = await sql<{
      site_id: number;
      name: string;
    }>`SELECT site_id, name FROM site_service ORDER BY name`;
    const bySite = Map.groupBy(services, (row) => row.site_id);
    return rows.map((row) => ({
      id: row.id,
      tenant: row.tenant,
      name: row.name,
      address: this.#pool.address(row.address_index),
      enabled: row.enabled !== 0,
      services: (bySite.get(row.id) ?? []).map((service) => service.name),
      lastSeen: row.last_seen_at ?? undefined,
      key: row.public_key ?? undefined,
      host: row.host ?? undefined,
      ...(row.enrolled_at !== null && { keySince: row.enrolled_at }),
      ...(row.renew === 1 && { renewKey: true }),
      ...(row.hub_key && { hubKey: row.hub_key }),
    }));
  }

  /** One that no site ever had: what is still known of a site that was removed must not count for another. */
  async #nextId(sql: Statements): Promise<number> {
    const [present] = await sql<{ last: number | null }>`SELECT MAX(id) AS last FROM site`;
    const next = Math.max(await lastGiven(sql, "last_site_id"), present?.last ?? 0) + 1;
    await noteGiven(sql, "last_site_id", next);
    return next;
  }

  /** The place after the last one ever given; when the pool has been gone through, the first free one. */
  async #freeIndex(sql: Statements): Promise<number> {
    const next = (await lastGiven(sql, "last_address_index")) + 1;
    if (next <= this.#pool.size) {
      await noteGiven(sql, "last_address_index", next);
      return next;
    }
    const used = new Set((await sql<{ i: number }>`SELECT address_index AS i FROM site`).map((row) => row.i));
    for (let index = 1; index <= this.#pool.size; index++) if (!used.has(index)) return index;
    throw new FarsiteError(
      "E_POOL_EMPTY",
      `all ${this.#pool.size} addresses of the pool are in use`,
      "Set a larger endpoints.pool in hub.toml whose first addresses are the same.",
    );
  }

  async #audit(
    sql: Statements,
    actor: Actor | string,
    action: string,
    target: string,
    detail = "",
  ): Promise<void> {
    await writeAudit(sql, this.#wall(), actor, action, target, detail);
  }
}

type Given = "last_address_index" | "last_site_id";

/** The last number that was given of those that are not given twice; 0 when none was. */
async function lastGiven(sql: Statements, name: Given): Promise<number> {
  const [row] = await sql<{ value: string }>`SELECT value FROM setting WHERE name = ${name}`;
  return Number(row?.value ?? 0);
}

async function noteGiven(sql: Statements, name: Given, last: number): Promise<void> {
  await sql`INSERT INTO setting (name, value) VALUES (${name}, ${String(last)})
            ON CONFLICT (name) DO UPDATE SET value = excluded.value`;
}

async function nameServices(sql: Statements, siteId: number, services: string[]): Promise<void> {
  for (const service of new Set(services)) {
    await sql`INSERT INTO site_service (site_id, name) VALUES (${siteId}, ${service})`;
  }
}

export async function tenantId(sql: Statements, name: string): Promise<number> {
  const [row] = await sql<{ id: number }>`SELECT id FROM tenant WHERE name = ${name}`;
  if (!row) throw noTenant(name);
  return row.id;
}

/** Said also of a tenant that is not for whoever asks to know of. */
export function noTenant(name: string): FarsiteError {
  return new FarsiteError("E_NOT_FOUND", `there is no tenant ${name}`, `farsite-hub tenant add ${name}`);
}

/** The same of a site. */
export function noSite(tenant: string, name: string): FarsiteError {
  return new FarsiteError("E_NOT_FOUND", `there is no site ${tenant}/${name}`);
}

function checkName(schema: typeof tenantName, name: string, what: string): void {
  const result = schema.safeParse(name);
  if (!result.success) {
    throw new FarsiteError("E_NAME", `not a ${what} name: ${name}`, result.error.issues[0]?.message);
  }
}

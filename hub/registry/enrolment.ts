/** Enrolment tokens: one use, expiring, kept hashed; and the keys that come of them. */

import { timingSafeEqual } from "node:crypto";
import { hex } from "../../common/bytes.ts";
import { FarsiteError } from "../../common/errors.ts";
import { hashSecret, TOKEN_ID_BYTES, TOKEN_SECRET_BYTES } from "../../common/handshake/index.ts";
import type { Random } from "../../common/random.ts";
import type { Actor } from "./audit/index.ts";
import type { Registry, Site } from "./registry.ts";
import type { Statements, Store } from "./store/index.ts";

export interface IssuedToken {
  id: Uint8Array;
  secret: Uint8Array;
  /** ms since the epoch. */
  expires: number;
}

interface TokenRow {
  tenant: string;
  site: string;
  secret_hash: string;
  expires_at: number;
  used_at: number | null;
  used_by: string | null;
  /** When the key that used it ended. */
  key_ended_at: number | null;
  revoked_at: number | null;
}

export class Enrolment {
  constructor(
    private readonly store: Store,
    private readonly registry: Registry,
    private readonly random: Random,
    private readonly wall: () => number,
  ) {}

  /** Makes a token for a site; the ones made for it before and not used end. `ttl` in ms. */
  async issue(actor: Actor | string, tenant: string, name: string, ttl: number): Promise<IssuedToken> {
    const id = this.random.bytes(TOKEN_ID_BYTES);
    const secret = this.random.bytes(TOKEN_SECRET_BYTES);
    const now = this.wall();
    const expires = now + ttl;
    await this.registry.withSite(actor, tenant, name, async (sql, site, audit) => {
      await sql`UPDATE token SET revoked_at = ${now}
                  WHERE site_id = ${site.id} AND used_at IS NULL AND revoked_at IS NULL`;
      await sql`INSERT INTO token (id, site_id, secret_hash, created_at, expires_at)
                  VALUES (${hex(id)}, ${site.id}, ${hex(hashSecret(secret))}, ${now}, ${expires})`;
      await audit("token.issue", `expires ${new Date(expires).toISOString()}`);
    });
    return { id, secret, expires };
  }

  /**
   * The site a token is for, if `publicKey` may enrol with it now. The key that used it may do so again:
   * the answer to its first try may have been lost.
   * Throws E_TOKEN_UNKNOWN, E_TOKEN_USED, E_TOKEN_EXPIRED, E_TOKEN_REVOKED, E_KEY_REVOKED or E_SITE_DISABLED.
   */
  async check(id: Uint8Array, secret: Uint8Array, publicKey: Uint8Array): Promise<Site> {
    const row = await this.store.transaction((sql) => this.#find(sql, id, secret, publicKey));
    const site = await this.registry.site(row.tenant, row.site);
    if (!site.enabled) throw new FarsiteError("E_SITE_DISABLED", "this site is disabled at the hub");
    return site;
  }

  /**
   * Uses the token up and makes `publicKey` the site's only key. Throws as `check` does.
   * @param from the agent's address
   */
  async redeem(
    id: Uint8Array,
    secret: Uint8Array,
    publicKey: Uint8Array,
    host: string,
    from = "",
  ): Promise<Site> {
    const { tenant, name } = await this.check(id, secret, publicKey);
    const key = hex(publicKey);
    return this.registry.withSite({ who: `agent ${host}`, from }, tenant, name, async (sql, site, audit) => {
      const row = await this.#find(sql, id, secret, publicKey);
      if (row.used_by === key) return site;
      if ((await sql`SELECT 1 FROM agent_key WHERE public_key = ${key}`).length > 0) {
        throw new FarsiteError("E_EXISTS", "this agent key was enrolled before; a new one is needed");
      }
      const now = this.wall();
      await sql`UPDATE token SET used_at = ${now}, used_by = ${key} WHERE id = ${hex(id)}`;
      await sql`UPDATE agent_key SET ended_at = ${now} WHERE site_id = ${site.id} AND ended_at IS NULL`;
      await sql`INSERT INTO agent_key (public_key, site_id, host, enrolled_at)
                  VALUES (${key}, ${site.id}, ${host}, ${now})`;
      await audit("agent.enrol", `key ${key.slice(0, 16)}`);
      return { ...site, key, host };
    });
  }

  async #find(sql: Statements, id: Uint8Array, secret: Uint8Array, publicKey: Uint8Array): Promise<TokenRow> {
    const [row] = await sql<TokenRow>`
      SELECT tenant.name AS tenant, site.name AS site, token.secret_hash AS secret_hash,
             token.expires_at AS expires_at, token.used_at AS used_at, token.used_by AS used_by,
             token.revoked_at AS revoked_at, agent_key.ended_at AS key_ended_at
      FROM token JOIN site ON site.id = token.site_id JOIN tenant ON tenant.id = site.tenant_id
      LEFT JOIN agent_key ON agent_key.public_key = token.used_by
      WHERE token.id = ${hex(id)}`;
    if (!row || !timingSafeEqual(Buffer.from(row.secret_hash, "hex"), hashSecret(secret))) {
      throw new FarsiteError("E_TOKEN_UNKNOWN", "this hub does not know the token");
    }
    if (row.used_at !== null) {
      if (row.used_by !== hex(publicKey)) {
        throw new FarsiteError("E_TOKEN_USED", "the token was used already; each enrols one agent once");
      }
      if (row.key_ended_at === null) return row;
      throw new FarsiteError(
        "E_KEY_REVOKED",
        "this agent's key was revoked, or another enrolment replaced it",
      );
    }
    if (row.revoked_at !== null) {
      throw new FarsiteError("E_TOKEN_REVOKED", "the token was revoked, or a newer one replaced it");
    }
    if (row.expires_at <= this.wall()) {
      throw new FarsiteError(
        "E_TOKEN_EXPIRED",
        `the token expired at ${new Date(row.expires_at).toISOString()}`,
      );
    }
    return row;
  }
}

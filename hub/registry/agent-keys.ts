/** The keys by which agents are let in: one for each site, and for a while the one that is to follow it. */
import { hex } from "../../common/bytes.ts";
import { FarsiteError } from "../../common/errors.ts";
import type { Registry, Site } from "./registry.ts";
import type { Store } from "./store/index.ts";

export interface AgentKeysOptions {
  store: Store;
  registry: Registry;
  /** Wall clock, ms. */
  wall: () => number;
}

/** How the hub was known to an agent when it last came. */
export interface Acquainted {
  tenant: string;
  site: string;
  /** The hub's key that it expected, hexadecimal; empty before this was noted. */
  hubKey: string;
}

export class AgentKeys {
  constructor(private readonly options: AgentKeysOptions) {}

  /**
   * Lets in another key of a site's agent, besides the present one, until it comes with it or names yet another.
   * The same one may be named again. Throws E_EXISTS when the key was in use before.
   * @param host the agent's host name
   */
  async propose(site: Site, publicKey: Uint8Array, host: string): Promise<void> {
    const key = hex(publicKey);
    await this.options.registry.withSite(
      `agent ${host}`,
      site.tenant,
      site.name,
      async (sql, present, audit) => {
        const [known] = await sql<{ site_id: number; follows: string | null; ended_at: number | null }>`
          SELECT site_id, follows, ended_at FROM agent_key WHERE public_key = ${key}`;
        if (known?.site_id === present.id && known.follows !== null && known.ended_at === null) return;
        if (known)
          throw new FarsiteError("E_EXISTS", "this agent key was in use before; a new one is needed");
        if (present.key === undefined)
          throw new FarsiteError("E_KEY_REVOKED", "this agent's key was revoked");
        await sql`DELETE FROM agent_key WHERE site_id = ${present.id} AND follows IS NOT NULL AND ended_at IS NULL`;
        await sql`INSERT INTO agent_key (public_key, site_id, host, enrolled_at, follows)
                    VALUES (${key}, ${present.id}, ${host}, ${this.options.wall()}, ${present.key})`;
        await audit("agent.key.offer", `key ${key.slice(0, 16)}`);
      },
    );
  }

  /**
   * The site of an agent that has proved to hold `publicKey`. If that is the key that is to follow, the former one
   * ends here. Notes by which of the hub's keys the agent knows it. Throws as `Registry.siteOfKey` does.
   */
  async arrived(publicKey: Uint8Array, hubKey: Uint8Array): Promise<Site> {
    const found = await this.options.registry.siteOfKey(publicKey);
    const key = hex(publicKey);
    const knows = hex(hubKey);
    if (found.key === key && found.hubKey === knows) return found;
    const { tenant, name } = found;
    return this.options.registry.withSite(`agent ${found.host}`, tenant, name, async (sql, site, audit) => {
      const [row] = await sql<{ follows: string | null; host: string }>`
        SELECT follows, host FROM agent_key WHERE public_key = ${key} AND ended_at IS NULL`;
      // revoked at this very moment
      if (!row) throw new FarsiteError("E_KEY_REVOKED", "this agent's key was revoked");
      await sql`UPDATE agent_key SET hub_key = ${knows} WHERE public_key = ${key}`;
      if (row.follows === null) return { ...site, hubKey: knows };
      const now = this.options.wall();
      await sql`UPDATE agent_key SET ended_at = ${now}
                  WHERE site_id = ${site.id} AND ended_at IS NULL AND public_key <> ${key}`;
      await sql`UPDATE agent_key SET follows = NULL, renew = 0, enrolled_at = ${now} WHERE public_key = ${key}`;
      await audit("agent.key.renew", `key ${key.slice(0, 16)} in the place of ${row.follows.slice(0, 16)}`);
      return { ...site, key, host: row.host, keySince: now, renewKey: false, hubKey: knows };
    });
  }

  /** The site's agent is to make a new key as soon as it is connected. Throws E_NOT_FOUND or E_NOT_ENROLLED. */
  async wantRenewal(...[actor, tenant, name]: Parameters<Registry["revoke"]>): Promise<Site> {
    return this.options.registry.withSite(actor, tenant, name, async (sql, site, audit) => {
      if (site.key === undefined) {
        throw new FarsiteError(
          "E_NOT_ENROLLED",
          `no agent is enrolled for ${tenant}/${name}`,
          `farsite-hub site token ${tenant}/${name} prints what enrols one.`,
        );
      }
      await sql`UPDATE agent_key SET renew = 1 WHERE public_key = ${site.key}`;
      await audit("site.rekey");
      return { ...site, renewKey: true };
    });
  }

  /** How every enrolled agent knows the hub. */
  acquainted(): Promise<Acquainted[]> {
    return this.options.store.transaction(
      (sql) => sql<Acquainted>`
        SELECT tenant.name AS tenant, site.name AS site, agent_key.hub_key AS "hubKey"
        FROM agent_key JOIN site ON site.id = agent_key.site_id JOIN tenant ON tenant.id = site.tenant_id
        WHERE agent_key.ended_at IS NULL AND agent_key.follows IS NULL
        ORDER BY tenant.name, site.name`,
    );
  }
}

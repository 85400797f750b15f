/** The site connections that were made at central Checkmk sites, so that no others are touched there. */

import type { Actor } from "./audit/index.ts";
import type { Registry } from "./registry.ts";
import type { Store } from "./store/index.ts";

export interface CentralConnection {
  /** What the central site calls it. */
  id: string;
  tenant: string;
  site: string;
  /** What it was told to connect to. */
  socket: string;
}

export class CentralConnections {
  constructor(
    private readonly store: Store,
    private readonly registry: Registry,
    private readonly wall: () => number,
  ) {}

  /** Those of one central site, which is named by the URL of its REST API. */
  async list(central: string): Promise<CentralConnection[]> {
    return this.store.transaction(async (sql) => [
      ...(await sql<CentralConnection>`
        SELECT id, tenant, site, socket FROM checkmk_connection WHERE central = ${central} ORDER BY id`),
    ]);
  }

  /** Notes that one is made or changed. The site need not be there any more. */
  async note(actor: Actor | string, central: string, connection: CentralConnection): Promise<void> {
    const { id, tenant, site, socket } = connection;
    await this.store.transaction(
      (sql) => sql`
        INSERT INTO checkmk_connection (central, id, tenant, site, socket, noted_at)
        VALUES (${central}, ${id}, ${tenant}, ${site}, ${socket}, ${this.wall()})
        ON CONFLICT (central, id) DO UPDATE SET tenant = excluded.tenant, site = excluded.site,
          socket = excluded.socket, noted_at = excluded.noted_at`,
    );
    const detail = `${id} with ${socket} at ${central}`;
    await this.registry.record(actor, "checkmk.connect", `${tenant}/${site}`, detail);
  }

  /** Notes that one is gone, or was not made after all. */
  async forget(actor: Actor | string, central: string, id: string): Promise<void> {
    const [gone] = await this.store.transaction(async (sql) => {
      const rows = await sql<CentralConnection>`
        SELECT id, tenant, site, socket FROM checkmk_connection WHERE central = ${central} AND id = ${id}`;
      await sql`DELETE FROM checkmk_connection WHERE central = ${central} AND id = ${id}`;
      return rows;
    });
    if (!gone) return;
    await this.registry.record(
      actor,
      "checkmk.disconnect",
      `${gone.tenant}/${gone.site}`,
      `${id} at ${central}`,
    );
  }
}

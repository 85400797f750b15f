/** A site as one of many, and the columns that the hub adds to every table. */

import type { Value } from "./value.ts";

export interface Peer {
  id: number;
  tenant: string;
  site: string;
  /** What it is called at this endpoint: its name, or `TENANT/SITE` where there are several tenants. */
  key: string;
}

/** As in LMD, whose clients know a site by these; and what a monitoring engineer would call them. */
const COLUMNS: Readonly<Record<string, (peer: Peer) => Value>> = {
  peer_key: (peer) => peer.key,
  peer_name: (peer) => peer.key,
  tenant: (peer) => peer.tenant,
  site: (peer) => peer.site,
};

export const HUB_COLUMNS: ReadonlySet<string> = new Set(Object.keys(COLUMNS));

/** Undefined: the column is the core's. */
export function hubValue(peer: Peer, column: string): Value | undefined {
  return Object.hasOwn(COLUMNS, column) ? COLUMNS[column]?.(peer) : undefined;
}

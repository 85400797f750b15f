/** Columns that the hub itself has a value for, the same for all rows of a site. */

import type { Peer, PeerState } from "./peer.ts";
import type { Value } from "./value.ts";

/** LMD's words for a status. */
const UP = 0;
const DOWN = 2;
const PENDING = 4;

const seconds = (ms: number) => Math.floor(ms / 1_000);
const updated = (_: Peer, { lastOnline }: PeerState) => seconds(lastOnline);

/**
 * Those of the table `sites`. What LMD has besides, and means nothing here, is there as well: its clients ask
 * for all of it.
 */
export const SITE_COLUMNS: Readonly<Record<string, (peer: Peer, state: PeerState) => Value>> = {
  key: (peer) => peer.key,
  name: (peer) => peer.key,
  addr: (_, state) => state.address,
  state: (_, state) => state.state,
  since: (_, state) => seconds(state.since),
  status: (_, state) => (state.up ? UP : state.pending ? PENDING : DOWN),
  last_error: (_, state) => (state.up ? "" : (state.reason ?? "")),
  last_online: updated,
  last_update: updated,
  last_query: () => 0,
  queries: (_, state) => state.queries,
  response_time: (_, state) => (state.rtt ?? 0) / 1_000,
  bytes_send: () => 0,
  bytes_received: () => 0,
  idling: () => 0,
  section: () => "",
  parent: () => "",
  lmd_version: () => "",
  flags: () => [],
  configtool: () => ({}),
  thruk: () => ({}),
  federation_key: () => [],
  federation_name: () => [],
  federation_addr: () => [],
  federation_type: () => [],
  federation_version: () => [],
};

/** Those of every table: who the site is, what `sites` says of it as `peer_...`, and what Thruk asks LMD for. */
const HUB_COLUMNS: Readonly<Record<string, (peer: Peer) => Value>> = {
  ...Object.fromEntries(
    Object.entries(SITE_COLUMNS).map(([name, value]) => [
      `peer_${name}`,
      (peer) => value(peer, peer.state()),
    ]),
  ),
  peer_key: (peer) => peer.key,
  peer_name: (peer) => peer.key,
  tenant: (peer) => peer.tenant,
  site: (peer) => peer.site,
  configtool: () => ({}),
  thruk: () => ({}),
  // nothing is kept here: a row is as new as its answer
  lmd_last_cache_update: (peer) => updated(peer, peer.state()),
};

export function isHubColumn(column: string): boolean {
  return Object.hasOwn(HUB_COLUMNS, column);
}

/** Undefined: the column is the core's. */
export function hubValue(peer: Peer, column: string): Value | undefined {
  return isHubColumn(column) ? HUB_COLUMNS[column]?.(peer) : undefined;
}

/** A site as one of many. */

import type { StateWord } from "../index.ts";

export interface Peer {
  id: number;
  tenant: string;
  site: string;
  /** What it is called at this endpoint: its name, or `TENANT/SITE` where there are several tenants. */
  key: string;
  /** How it is now. */
  state(): PeerState;
}

/** How a site is. */
export interface PeerState {
  /** In Checkmk's words. */
  state: StateWord;
  /** Queries can be answered now. */
  up: boolean;
  /** It has never been there. */
  pending: boolean;
  /** Why it is not up. */
  reason: string | undefined;
  /** ms since the epoch: of its state, and when it was there last. */
  since: number;
  lastOnline: number;
  /** s since the epoch: when its core was started or last reloaded, where that is known. */
  started: number | undefined;
  address: string;
  /** ms to its agent and back. */
  rtt: number | undefined;
  /** Since the start of the hub. */
  queries: number;
}

/** How a site is, as the endpoints of many sites tell it. */

import { LIVESTATUS } from "../../common/core.ts";
import type { PeerState } from "../livestatus/federation/index.ts";
import { type DatedState, describe } from "../livestatus/index.ts";
import type { Site } from "../registry/index.ts";
import type { SiteState } from "../tunnel/index.ts";

/** What the parts of the hub know of it. */
export interface Known {
  site: Site | undefined;
  tunnel: SiteState;
  current: DatedState | undefined;
  /** Why its core cannot be asked now; undefined when it can, also while its carrier is being replaced. */
  unreachable: string | undefined;
  /** Since the start of the hub. */
  queries: number;
  /** ms since the epoch. */
  now: number;
}

export function peerStateOf({ site, tunnel, current, unreachable, queries, now }: Known): PeerState {
  const offered = tunnel.offers.length === 0 || tunnel.offers.includes(LIVESTATUS);
  const up = unreachable === undefined && offered;
  const state = current?.state ?? "unknown";
  const since = current?.since ?? now;
  const lastSeen = tunnel.state === "connected" ? since : Math.max(tunnel.since, site?.lastSeen ?? 0);
  return {
    state,
    up,
    pending: !up && lastSeen === 0,
    reason: up ? undefined : current?.reason === undefined ? unreachable : `the site is ${describe(current)}`,
    since,
    lastOnline: up ? now : lastSeen,
    started: tunnel.core?.state === "online" ? tunnel.core.core.started : undefined,
    address: site?.address ?? "",
    rtt: tunnel.rtt,
    queries,
  };
}

/** How a site is, as the endpoints of many sites tell it. */

import type { PeerState } from "../livestatus/federation/index.ts";
import type { DatedState } from "../livestatus/index.ts";
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
  const up = unreachable === undefined;
  const state = current?.state ?? "unknown";
  const since = current?.since ?? now;
  const lastSeen = tunnel.state === "connected" ? since : Math.max(tunnel.since, site?.lastSeen ?? 0);
  return {
    state,
    up,
    pending: !up && lastSeen === 0,
    reason: unreachable,
    since,
    lastOnline: up ? now : lastSeen,
    started: tunnel.core?.state === "online" ? tunnel.core.core.started : undefined,
    address: site?.address ?? "",
    rtt: tunnel.rtt,
    queries,
  };
}

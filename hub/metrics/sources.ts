/** Where the numbers come from: what the parts of the hub count for themselves. Nothing is asked of a database. */

import type { EndpointState } from "../endpoint/index.ts";
import type { BoxStatus, LaneCounts } from "../inbox/index.ts";
import type { LivestatusNow, LivestatusState, SiteRecord, Totals } from "../livestatus/index.ts";
import type { Site } from "../registry/index.ts";
import type { SessionCounts, SiteState, SiteTraffic } from "../tunnel/index.ts";
import type { Handshakes } from "./handshakes.ts";

/** Who does not let something through. */
export type RefusedKind = "livestatus" | "central" | "service" | "viewer" | "inbox";

export interface Sources {
  version: string;
  /** When the hub was started, ms since the epoch. */
  started: number;
  sites: { records(): SiteRecord[] };
  tunnels: {
    state(siteId: number): SiteState;
    counts: SessionCounts;
    /** What streams carried. */
    streams: { all(): Iterable<SiteTraffic> };
  };
  handshakes: Handshakes;
  admission: { open: number; turnedAway: number };
  livestatus: {
    totals: ReadonlyMap<string, Totals>;
    now: LivestatusNow;
    state(site: Site): LivestatusState | undefined;
  };
  inbox: { lanes(): ReadonlyMap<string, LaneCounts>; status(site: Site): BoxStatus[] };
  endpoints: { states(): EndpointState[] };
  /** Since the hub's start, those of Livestatus aside. */
  refused: () => Record<Exclude<RefusedKind, "livestatus">, number>;
  /** Number of the newest record, and records that could not be written. */
  audit: () => { newest: number; failures: number };
  /** When the certificate that agents see ends, ms since the epoch; undefined without TLS. */
  certificateEnds: () => number | undefined;
  /** Logins at the web interface, where there is one. */
  logins?: () => { ok: number; failed: number };
}

/** What a site's clients have asked since the hub's start, in words. */

import type { LivestatusState } from "./livestatus.ts";
import type { Detail } from "./state-file.ts";

type Traffic = Pick<
  LivestatusState,
  "clients" | "busy" | "waiting" | "requests" | "refused" | "cacheHits" | "cacheMisses" | "cacheEntries"
>;

const NONE: Traffic = {
  clients: 0,
  busy: 0,
  waiting: 0,
  requests: 0,
  refused: 0,
  cacheHits: 0,
  cacheMisses: 0,
  cacheEntries: 0,
};

/**
 * `980 of 1000 (98.0 %)`: how many of the queries that need no core got their answer from the hub; the others asked
 * the core first.
 */
export function cacheHits({ cacheHits: hits, cacheMisses: misses }: Traffic): string {
  const all = hits + misses;
  return `${hits} of ${all}${all === 0 ? "" : ` (${((100 * hits) / all).toFixed(1)} %)`}`;
}

/**
 * For the state file.
 * @param traffic undefined: nobody has asked for the site
 * @param channels how many there are
 */
export function trafficDetails(traffic: Traffic = NONE, channels: number): Detail[] {
  return [
    ["Cached responses", String(traffic.cacheEntries)],
    ["Cache hits", cacheHits(traffic)],
    ["Channels busy", `${traffic.busy} of ${channels}`],
    ["Waiting for a channel", String(traffic.waiting)],
    ["Clients", String(traffic.clients)],
    ["Requests", String(traffic.requests)],
    ["Refused requests", String(traffic.refused)],
  ];
}

/** In one line, for `site show`. */
export function trafficText(traffic: Traffic): string {
  return [
    `${traffic.requests}, ${traffic.refused} of them refused`,
    `${traffic.clients} clients connected`,
    `${traffic.busy} with the core, ${traffic.waiting} waiting`,
    `from the cache ${cacheHits(traffic)}`,
  ].join("; ");
}

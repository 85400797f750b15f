/** What all sites together have of one lane. */

import type { BoxStatus } from "./box.ts";

export interface SinkCounts {
  /** Letters, since the hub's start. */
  landed: number;
  failed: number;
  /** Sites for which it takes nothing now. */
  blocked: number;
}

export interface LaneCounts {
  /** Letters that some sink does not have yet, and bytes of them. */
  waiting: number;
  bytes: number;
  /** ms for which the first letter of a site has been the first, of the one where that is longest. */
  stuck: number;
  /** Letters, since the hub's start. */
  received: number;
  refused: number;
  sinks: Map<string, SinkCounts>;
}

/** The counts with those of one more box. */
export function addTo(before: LaneCounts | undefined, status?: BoxStatus): LaneCounts {
  const sinks = new Map([...(before?.sinks ?? [])].map(([name, counts]) => [name, { ...counts }]));
  for (const { sink, landed, failed, problem } of status?.sinks ?? []) {
    const counts = sinks.get(sink) ?? { landed: 0, failed: 0, blocked: 0 };
    counts.landed += landed;
    counts.failed += failed;
    if (problem !== undefined) counts.blocked++;
    sinks.set(sink, counts);
  }
  return {
    waiting: (before?.waiting ?? 0) + (status?.waiting ?? 0),
    bytes: (before?.bytes ?? 0) + (status?.bytes ?? 0),
    stuck: Math.max(before?.stuck ?? 0, status?.stuck ?? 0),
    received: (before?.received ?? 0) + (status?.received ?? 0),
    refused: (before?.refused ?? 0) + (status?.refused ?? 0),
    sinks,
  };
}

/** What stays of a site that is gone. */
export function goneFrom(counts: LaneCounts): LaneCounts {
  const sinks = new Map([...counts.sinks].map(([name, each]) => [name, { ...each, blocked: 0 }]));
  return { ...counts, waiting: 0, bytes: 0, stuck: 0, sinks };
}

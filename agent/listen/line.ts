/** One line from this side to the central one: what its listener is given, and what people see of it. */

import type { Clock } from "../../common/clock.ts";
import type { Log } from "../../common/log.ts";
import { BULK, INTERACTIVE, type Priority, type ResetReason, type Stream } from "../../common/mux/index.ts";

/** A stream to the central side's line of that name; undefined: there is no way to the hub now. */
export type OpenLine = (name: string, priority: Priority) => Stream | undefined;

export interface LineOptions {
  name: string;
  open: OpenLine;
  clock: Clock;
  log: Log;
}

export interface ListenerState {
  line: string;
  /** As in agent.toml. */
  address: string;
  state: "listening" | "failed";
  /** Why it does not listen. */
  reason?: string;
  /** Connections open now, taken so far, and among these those that came to nothing. */
  clients?: number;
  opened?: number;
  failed?: number;
  datagrams?: DatagramCount;
}

export interface DatagramCount {
  /** Handed to the session. */
  sent: number;
  waiting: number;
  /** Dropped because newer ones came and the line did not take them. */
  dropped: number;
  /** Dropped because the hub does not take this line. */
  refused: number;
}

/** Lines that move files. All else goes before them, as on the way from the hub. */
const BULK_LINES: ReadonlySet<string> = new Set([
  "http",
  "https",
  "central-http",
  "central-https",
  "receiver",
]);

export function priorityOf(name: string, datagrams: boolean): Priority {
  return datagrams || BULK_LINES.has(name) ? BULK : INTERACTIVE;
}

/** Why the hub's side did not take a stream, in words for this side's log. */
const REASONS: Partial<Record<ResetReason, string>> = {
  serviceRefused: "the hub does not allow this line for this site",
  targetUnreachable: "the hub cannot reach the line's target",
  limit: "the hub takes no more streams for now",
  internal: "the hub reports a fault",
};

export function refusalText(reason: ResetReason): string | undefined {
  return REASONS[reason];
}

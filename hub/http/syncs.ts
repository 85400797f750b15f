/** The last configuration syncs of each site, as they were seen to pass. */

import type { Clock } from "../../common/clock.ts";
import type { Log } from "../../common/log.ts";
import { printable } from "../../common/text.ts";
import type { SyncCall } from "./sync.ts";

/** One call of configuration sync, as it is shown. */
export interface Sync extends SyncCall {
  /** When it began, ISO 8601. */
  time: string;
  /** From its head to the end of its answer, s. */
  seconds: number;
  /** Bytes of the bodies to the site and back. */
  sent: number;
  received: number;
  /** Of the answer; undefined when there was none, or not all of it. */
  status?: number;
  ok: boolean;
  /** Why it is not. */
  reason?: string;
}

/** How a call ended. */
export interface SyncEnd extends Pick<Sync, "sent" | "received" | "status" | "reason"> {
  /** The first bytes of the answer's body, when they can be read. */
  start: string;
}

export interface SyncsOptions {
  clock: Clock;
  log: Log;
  /** Calls that are kept of each site. */
  most: number;
}

/** Bytes of an answer's body that are looked at. */
export const START_BYTES = 200;

export class Syncs {
  readonly #bySite = new Map<number, Sync[]>();

  #most: number;

  constructor(private readonly options: SyncsOptions) {
    this.#most = options.most;
  }

  /** Keeps another number from the next call on. */
  reconfigure(most: number): void {
    this.#most = most;
  }

  /** A call begins; gives what is to be called at its end. */
  begin(site: { id: number; tenant: string; name: string }, call: SyncCall): (end: SyncEnd) => void {
    const { clock } = this.options;
    const [time, from] = [new Date(clock.wall()).toISOString(), clock.now()];
    return (end) => {
      const seconds = Math.round(clock.now() - from) / 1000;
      this.#note(site, { ...call, time, seconds, ...outcomeOf(call, end) });
    };
  }

  #note(site: { id: number; tenant: string; name: string }, sync: Sync): void {
    const { log } = this.options;
    const { time: _, ok, ...fields } = sync;
    const line = { site: `${site.tenant}/${site.name}`, ...fields };
    if (!ok) log.warn("config sync failed", line);
    else if (sync.kind === "state") log.debug("config sync", line);
    else log.info("config sync", line);
    const known = this.#bySite.get(site.id) ?? [];
    this.#bySite.set(site.id, [...known, sync].slice(-this.#most));
  }

  /** Those of a site, the oldest first. */
  of(siteId: number): readonly Sync[] {
    return this.#bySite.get(siteId) ?? [];
  }

  offer(): void {}

  /** The site was removed. */
  forget({ id }: { id: number }): void {
    this.#bySite.delete(id);
  }
}

type Outcome = Pick<Sync, "sent" | "received" | "status" | "ok" | "reason">;

/** Whether Checkmk will take it for done: a redirection, or what is no `True` where it wants one, is not. */
function outcomeOf({ kind }: SyncCall, { start, reason, ...end }: SyncEnd): Outcome {
  const { status } = end;
  if (status === undefined || reason !== undefined) {
    return { ...end, ok: false, reason: reason ?? "no answer" };
  }
  const done =
    status >= 200 && status < 300 && (kind !== "receive" || start === "" || /^True\s*$/.test(start));
  return done ? { ...end, ok: true } : { ...end, ok: false, reason: said(start) ?? `status ${status}` };
}

/** The first line of what the site said, if it is a line of text. */
function said(start: string): string | undefined {
  const [line = ""] = start.split(/\r?\n/, 1);
  const text = Buffer.from(line, "latin1").toString().trim();
  return text === "" || text.startsWith("<") ? undefined : printable(text, START_BYTES);
}

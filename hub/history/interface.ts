/** What others get of this folder: what was with a site, for plots and lists. */

/** Least, average and most of what was measured in each step; null where nothing was. */
export interface Band {
  min: (number | null)[];
  avg: (number | null)[];
  max: (number | null)[];
}

/** Of one site: values at equal steps, the oldest first. */
export interface SiteSeries {
  /** ms since the epoch of the end of the last step. */
  until: number;
  /** ms of one step. */
  step: number;
  /** ms to the agent and back. */
  rtt: Band;
  /** Bytes a second: from the site to the hub, and to the site. */
  received: Band;
  sent: Band;
  /** ms from a question to the end of the core's answer, of all questions in the step. */
  latency: Band;
}

/** The same as one line each, for spark lines. */
export interface SiteSpark {
  until: number;
  step: number;
  rtt: (number | null)[];
  received: (number | null)[];
  sent: (number | null)[];
  latency: (number | null)[];
}

/** A carrier of a site's agent, from its coming to its end. */
export interface Connect {
  /** ms since the epoch. */
  at: number;
  /** Undefined: it is still there. */
  ended: number | undefined;
  /** Why it ended, in words; printable, bounded. */
  reason: string | undefined;
  /** Such as "websocket". */
  carrier: string;
  /** Address it came from. */
  peer: string;
  /** It went on with a session, or began a new one. */
  resumed: boolean;
}

export interface History {
  /** The last day; undefined: no such site. */
  series(siteId: number): SiteSeries | undefined;
  /** The last minutes, finer; undefined: no such site. */
  spark(siteId: number): SiteSpark | undefined;
  /** The newest first. */
  connects(siteId: number): readonly Connect[];
}

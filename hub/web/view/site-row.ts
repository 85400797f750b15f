/** A site in the overview: what its row says, and the cells that say it. The same on the server and in the browser. */
import { sparkPoints } from "./spark.ts";
import { type SiteWord, siteOrder, siteTone, type Tone } from "./tone.ts";
import { count, latency, rate, since } from "./units.ts";

export interface SiteRow {
  tenant: string;
  site: string;
  state: SiteWord;
  /** ISO 8601. */
  since: string;
  /** Why it is in that state, or what its core is. */
  why: string;
  /** Round-trip time of the tunnel, ms: now, and of late, the oldest first. */
  rtt?: number;
  spark?: readonly (number | undefined)[];
  /** Bytes a second from the site and to it. */
  received?: number;
  sent?: number;
  /** What waits at the hub to be delivered. */
  queue: number;
  /** Why nothing of it is. */
  queueProblem?: string;
  /** Of its agent. */
  version?: string;
  carrier?: string;
  /** The agent is older than the hub. */
  outdated: boolean;
  /** No agent has ever connected for it. */
  never: boolean;
}

export interface Cell {
  text: string;
  /** What it is sorted by; without it the text. */
  order?: number;
  tone?: Tone;
  /** What the pointer is told. */
  title?: string;
  /** A remark behind the text. */
  mark?: string;
  /** Of a spark line. */
  points?: string;
  /** The moment that the text is the time since, ISO 8601. */
  at?: string;
}

export const SITE_COLUMNS = [
  "state",
  "site",
  "since",
  "why",
  "rtt",
  "traffic",
  "queue",
  "agent",
  "carrier",
] as const;
export type SiteColumn = (typeof SITE_COLUMNS)[number];

export const SITE_TITLES: Readonly<Record<SiteColumn, string>> = {
  state: "State",
  site: "Site",
  since: "Since",
  why: "Why",
  rtt: "Round trip",
  traffic: "In, out",
  queue: "Queue",
  agent: "Agent",
  carrier: "Over",
};

/** What each column says of a site. */
export const SITE_CELLS: Readonly<Record<SiteColumn, (row: SiteRow, now: number) => Cell>> = {
  state: ({ state }) => ({ text: state, order: siteOrder(state), tone: siteTone(state) }),
  site: ({ site }) => ({ text: site }),
  since: ({ since: at }, now) => ({ text: since(at, now), order: -Date.parse(at), at }),
  why: ({ why }) => ({ text: why }),
  rtt: ({ rtt, spark = [] }) => ({
    text: rtt === undefined ? "" : latency(rtt),
    order: rtt ?? -1,
    points: sparkPoints(spark),
  }),
  traffic: ({ received, sent }) =>
    received === undefined || sent === undefined
      ? { text: "", order: -1 }
      : { text: `${rate(received)}, ${rate(sent)}`, order: Math.round(received + sent) },
  queue: ({ queue, queueProblem }) => ({
    text: queue === 0 && queueProblem === undefined ? "" : count(queue),
    order: queue,
    ...(queueProblem !== undefined && { tone: "warn", title: queueProblem, mark: "held" }),
  }),
  agent: ({ version = "", outdated, never }) => ({
    text: version,
    ...(outdated && { mark: "update", title: "This agent is older than the hub." }),
    ...(never && { mark: "never connected" }),
  }),
  carrier: ({ carrier = "" }) => ({ text: carrier }),
};

/** `tenant/site`: what names a row. */
export function keyOf({ tenant, site }: Pick<SiteRow, "tenant" | "site">): string {
  return `${tenant}/${site}`;
}

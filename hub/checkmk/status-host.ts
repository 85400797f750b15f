/** A site's state as that of a host, for a central site whose status host it is. */

import { z } from "zod";
import { printable } from "../../common/text.ts";
import type { StateWord } from "../livestatus/index.ts";

const STATES = [
  "online",
  "dead",
  "down",
  "unreach",
  "waiting",
  "unknown",
  "disabled",
] as const satisfies readonly StateWord[];

/** What the hub's own table `sites` says of a site. */
export const siteState = z.tuple([
  /** Its tenant. */
  z.string(),
  z.string(),
  z.enum(STATES),
  /** Why there is no answer; empty when there is one. */
  z.string(),
  /** Seconds to its agent and back; 0 when unknown. */
  z.number(),
]);
export const SITE_COLUMNS = "tenant site state last_error response_time";

export interface SiteStatus {
  tenant: string;
  site: string;
  state: StateWord;
  reason: string;
  /** Seconds. */
  rtt: number;
}

export type HostWord = "UP" | "DOWN" | "UNREACHABLE";

export interface HostState {
  word: HostWord;
  /** One line, of which what is behind the bar is performance data. */
  output: string;
}

/**
 * A host is up as long as a query may be answered, and a GUI is to ask. In the other states the hub would refuse
 * it: asking is of no use.
 */
const HOST_WORDS: Readonly<Record<StateWord, HostWord>> = {
  online: "UP",
  waiting: "UP",
  unknown: "UP",
  dead: "DOWN",
  down: "DOWN",
  disabled: "DOWN",
  unreach: "UNREACHABLE",
};

/** As external commands count the states of hosts. */
const HOST_CODES: Readonly<Record<HostWord, number>> = { UP: 0, DOWN: 1, UNREACHABLE: 2 };
/** As cores judge a plugin that checks a host: 1 may count as up, and whether it is unreachable they find themselves. */
const EXIT_CODES: Readonly<Record<HostWord, number>> = { UP: 0, DOWN: 2, UNREACHABLE: 2 };

/** Longest reason that is shown, in UTF-16 units: a line must fit into a pipe's buffer (PIPE_BUF, 4096 bytes). */
const MAX_REASON = 300;

export function hostState(status: SiteStatus): HostState {
  const { tenant, site, state, rtt } = status;
  const perfdata = rtt > 0 ? `|rtt=${rtt.toFixed(4)}s;;;0` : "";
  return { word: HOST_WORDS[state], output: `${tenant}/${site} is ${describe(status)}${perfdata}` };
}

/** The hub's reason begins like this where it has the state in it. */
const REASON = "the site is ";

function describe({ state, reason }: SiteStatus): string {
  if (state === "online" || reason === "") return state;
  // what comes from a site must not begin performance data, or another line
  const plain = printable(reason, MAX_REASON).replaceAll("|", "/");
  return plain.startsWith(`${REASON}${state}`) ? plain.slice(REASON.length) : `${state} (${plain})`;
}

export function exitCode({ word }: HostState): number {
  return EXIT_CODES[word];
}

/**
 * The state as a passive result, in one line without its end.
 * @param at seconds since the epoch
 */
export function hostResult(host: string, { word, output }: HostState, at: number): string {
  return `[${at}] PROCESS_HOST_CHECK_RESULT;${host};${HOST_CODES[word]};${output}`;
}

/** For cores that drop a result of UNREACHABLE: Icinga 2 does. */
export function withoutUnreachable({ word, output }: HostState): HostState {
  return { word: word === "UNREACHABLE" ? "DOWN" : word, output };
}

/** What the running hub says of itself. */
import type { EndpointState, ViewState } from "../endpoint/index.ts";
import type { HubStatus } from "../hub.ts";
import type { OpenFiles } from "../open-files.ts";
import type { ViewerState } from "../viewer/index.ts";
import { type Finding, ok, type Step, warning, wrong } from "./finding.ts";

/** Every address that could not be had, and how many could. */
export function listeningFindings(
  step: "endpoint" | "viewer",
  states: readonly (ViewState | EndpointState | ViewerState)[],
): Finding[] {
  const broken = states.filter(({ state }) => state === "failed");
  const says = `${states.length - broken.length} of ${states.length} listen`;
  return [
    ...broken.map((each) => wrong(step, "E_LISTEN", `${nameOf(each)}: ${each.reason}`, WHO_LISTENS)),
    ...(broken.length === states.length && broken.length > 0 ? [] : [ok(step, says)]),
  ];
}

export const WHO_LISTENS = "See who has the address: ss -ltnp";

function nameOf({ tenant, site, service, ...where }: ViewState | EndpointState | ViewerState): string {
  const place = "port" in where ? `${where.address}:${where.port}` : where.socket;
  return `${tenant}/${site} ${service} at ${place}`;
}

/** ms by which most agents' clocks may differ from the hub's: more, and it is the hub's that is wrong. */
const SKEW = 60_000;
/** Agents from which on they are believed. */
const ENOUGH = 3;

/** The hub's clock, as the agents that are connected see it; undefined when there are too few. */
export function agentsClock({ sites }: HubStatus): Finding | undefined {
  const skews = sites.flatMap(({ agent }) => agent?.clockSkew ?? []).toSorted((a, b) => a - b);
  const middle = skews[skews.length >> 1];
  if (skews.length < ENOUGH || middle === undefined) return undefined;
  const says = `half of ${skews.length} agents' clocks are ${Math.round(middle / 1000)} s or more from this one`;
  if (Math.abs(middle) < SKEW) return ok("clock", `agrees with the clocks of ${skews.length} agents`);
  return warning("clock", says, {
    do: "Set this host's clock: timedatectl set-ntp true",
    figures: { ms: middle },
  });
}

/** Part of the limit that may be in use. */
const NEARLY = 0.9;
/** Files that the hub has open besides connections: registry, logs, sockets of its own. */
const OWN = 64;

export interface Wants {
  /** Endpoints, each an address and a Unix socket. */
  endpoints: number;
  sites: number;
  /** As hub.toml allows. */
  handshakes: number;
  streams: number;
}

/** Whether the hub may open as many files as hub.toml lets connections be. */
export function limitsFinding(files: OpenFiles | undefined, wants: Wants): Finding {
  const step: Step = "limits";
  if (!files) return { step, state: "skipped", says: "the hub does not say how many files it may open" };
  const { open, limit } = files;
  // all sites' agents, and one site's clients at the most that is allowed
  const needed = OWN + 2 * wants.endpoints + wants.sites + wants.handshakes + wants.streams;
  const figures = { open, limit, needed };
  const raise = "Raise it: LimitNOFILE= in the unit, systemctl edit farsite-hub";
  if (open > limit * NEARLY) {
    return { ...wrong(step, "E_LIMIT", `${open} files are open of ${limit} that may be`, raise), figures };
  }
  if (needed > limit) {
    const says = `${limit} files may be open; what hub.toml allows needs ${needed}`;
    return warning(step, says, { do: raise, figures });
  }
  return ok(step, `${open} files open of ${limit}`, { figures });
}

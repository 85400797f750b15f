/** What the running agent says of itself, beside what this command found. */
import type { ListenerState } from "../listen/index.ts";
import { type RouteView, routeText } from "../route/index.ts";
import type { SiteStatus } from "../status.ts";
import { type Finding, ok, warning } from "./finding.ts";
import { ownerOf } from "./owner.ts";

/** @param route the way that this command takes to the same address */
export function runningFindings(status: SiteStatus, routeTo: (url: string) => RouteView): Finding[] {
  return [
    connection(status),
    ...otherRoute(status, routeTo(status.url)),
    ...listeners(status.listeners),
    ...outbox(status),
  ];
}

function connection({ state, url, carrier, blocked, error, rtt, streams }: SiteStatus): Finding {
  if (state === "connected") {
    const how = `connected to ${url} (${carrier ?? "no carrier now"}), ${streams} streams open`;
    const figures = rtt === undefined ? undefined : { ms: rtt };
    return blocked ? warning("agent", `${how}; ${blocked}`, { owner: "network" }) : ok("agent", how, figures);
  }
  const finding: Finding = {
    step: "agent",
    state: "problem",
    says: `runs, but is ${state}: ${error?.message ?? `no connection to ${url} yet`}`,
  };
  if (!error) return finding;
  const { code, hop, hint } = error;
  return { ...finding, code, ...(hop && { hop }), ...(hint && { do: hint }), owner: ownerOf(code) };
}

/** A shell has variables that a service has not. */
function otherRoute({ route }: SiteStatus, own: RouteView): Finding[] {
  const [theirs, ours] = [routeText(route), routeText(own)];
  if (theirs === ours) return [];
  return [
    warning("agent", `the running agent goes ${theirs}, this command ${ours}`, {
      do: "Name the proxy in agent.toml: then both take it, whatever their environment is.",
      owner: "host",
    }),
  ];
}

function listeners(states: readonly ListenerState[]): Finding[] {
  return states.map((each): Finding => {
    const what = `${each.line} at ${each.address}`;
    if (each.state !== "failed") return ok("listener", what);
    const says = `${what}: ${each.reason}`;
    return { step: "listener", state: "problem", says, code: "E_LISTEN", owner: "host", do: WHO_LISTENS };
  });
}

export const WHO_LISTENS = "See who has the address: ss -tulnp";

function outbox({ outbox: lanes, notifications, inventory }: SiteStatus): Finding[] {
  const of = (says: string, trouble: string | undefined, figures?: Finding["figures"]): Finding =>
    trouble === undefined
      ? ok("outbox", says, figures)
      : warning("outbox", `${says}: ${trouble}`, { owner: "host", ...(figures && { figures }) });
  return [
    ...lanes.map(({ lane, items, bytes, oldest, problem, waits }) =>
      of(`${items} waiting in ${lane}${oldest ? `, the oldest since ${oldest}` : ""}`, problem ?? waits, {
        items,
        bytes,
      }),
    ),
    ...(notifications?.problem === undefined
      ? []
      : [of(`notifications from ${notifications.spool}`, notifications.problem)]),
    ...(inventory?.problem === undefined ? [] : [of(`inventory from ${inventory.from}`, inventory.problem)]),
  ];
}

/** What state a site is in: one of Checkmk's words, why, and since when. */
import { type CoreCause, type CoreInfo, LIVESTATUS, MAX_REASON } from "../../common/core.ts";
import { printable } from "../../common/text.ts";
import type { Site } from "../registry/index.ts";
import type { SiteState } from "../tunnel/index.ts";

/** Checkmk's words for a site's state, as operator.md explains them. */
export const STATE_WORDS = ["online", "dead", "down", "unreach", "waiting", "unknown", "disabled"] as const;
export type StateWord = (typeof STATE_WORDS)[number];

/** A site's state as an administrator of Checkmk knows it. */
export interface CheckmkState {
  state: StateWord;
  /** Why it is not online. */
  reason?: string;
  /** What is wrong with a dead core. */
  cause?: CoreCause;
  /** What a core that is online says of itself. */
  core?: CoreInfo;
}

export interface Judgement extends CheckmkState {
  /** When that began, ms since the epoch, where it is known. */
  since?: number;
  /** ms after which it is another one if nothing happens. */
  lasts?: number;
}

export interface Circumstances {
  site: Site;
  tunnel: SiteState;
  /** Wall clock, ms. */
  now: number;
  /** Since when the hub has let the site's present key in, ms since the epoch; not before its own start. */
  known: number;
  /** ms without a carrier for which clients wait for the next one. */
  hold: number;
  /** ms within which an agent that is there must have connected, after that. */
  grace: number;
}

/** ms in which an agent that has the service must have said how its core is; its longest probe takes 60 s. */
export const UNREPORTED = 90_000;

/** Says what state a site is in. */
export function judge(circumstances: Circumstances): Judgement {
  const { site, tunnel } = circumstances;
  if (!site.enabled) return { state: "disabled", reason: "the site is disabled at the hub" };
  if (!site.services.includes(LIVESTATUS)) {
    return { state: "unknown", reason: `the site has no service ${LIVESTATUS} at the hub` };
  }
  switch (tunnel.state) {
    case "connected":
      return ofCore(circumstances);
    case "interrupted":
      return ofInterruption(circumstances);
    case "disconnected":
      return ofAbsence(circumstances);
  }
}

function ofCore({ tunnel, now }: Circumstances): Judgement {
  const { core, offers, agent, pushOnly } = tunnel;
  if (pushOnly && core?.state !== "dead") {
    const how = core ? "the core is online, but " : "";
    return { state: "unknown", reason: `${how}the agent is push-only: nothing can be asked` };
  }
  if (core?.state === "online") return { state: "online", core: core.core };
  if (core) {
    const since = Math.min(now, core.since - (agent?.clockSkew ?? 0));
    return { state: "dead", cause: core.cause, reason: core.reason, since };
  }
  const left = tunnel.since + UNREPORTED - now;
  const offered = offers.length === 0 || offers.includes(LIVESTATUS);
  if (offered && left > 0) {
    return { state: "waiting", reason: "the agent has not said yet how its core is", lasts: left };
  }
  return {
    state: "unknown",
    reason: offers.includes(LIVESTATUS)
      ? "the agent does not say how its core is"
      : `the agent offers no service ${LIVESTATUS}`,
  };
}

function ofInterruption(circumstances: Circumstances): Judgement {
  const { tunnel, hold } = circumstances;
  const { since, away = 0 } = tunnel;
  const reason = printable(tunnel.reason ?? "the carrier was lost", MAX_REASON);
  if (away > hold) return { state: "unreach", reason, since };
  // a moment without a carrier does not make a core that is dead any better
  const { lasts: _, ...last } = ofCore(circumstances);
  const now: Judgement = last.state === "dead" ? last : { state: "waiting", reason, since };
  return { ...now, lasts: hold - away + 1 };
}

function ofAbsence({ site, tunnel, known, grace, now }: Circumstances): Judgement {
  if (site.key === undefined) return { state: "unknown", reason: "no agent is enrolled" };
  // a key that is newer than the last session has none yet
  if (tunnel.reason !== undefined && tunnel.since > known) {
    // the other side's last words may be anything
    const reason = printable(tunnel.reason, MAX_REASON);
    return { state: tunnel.lost ? "unreach" : "down", reason, since: tunnel.since };
  }
  const reason = "the agent has not connected yet";
  if (site.lastSeen === undefined) return { state: "waiting", reason };
  const left = known + grace - now;
  return left > 0
    ? { state: "waiting", reason, lasts: left }
    : { state: "unreach", reason: "the agent has not come back", since: site.lastSeen };
}

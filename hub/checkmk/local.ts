/** The services that the hub is to Checkmk: itself, and tunnel and outbox of each site as the hub sees them. */
import {
  age,
  type CheckState,
  LOCAL_SECTION,
  type LocalCheck,
  levelsState,
  localLine,
  type SiteLevels,
  worst,
} from "../../common/checkmk/index.ts";
import { ago } from "../../common/command/index.ts";
import { FarsiteError } from "../../common/errors.ts";
import type { HubStatus, SiteView } from "../hub.ts";
import { expand } from "./template.ts";

const HUB = "Farsite hub";

export function hubCheck({ hub, sites }: HubStatus): LocalCheck {
  const { version, url, sites: all, connected, online } = hub;
  const older = sites.filter(({ update }) => update).map(({ tenant, site }) => `${tenant}/${site}`);
  return {
    state: 0,
    service: HUB,
    metrics: [
      { name: "sites", value: all },
      { name: "connected", value: connected },
      { name: "online", value: online },
    ],
    texts: [
      `${version} at ${url}, ${connected} of ${all} sites connected, ${online} online`,
      ...(older.length > 0 ? [`update available for the agents of ${older.join(", ")}`] : []),
    ],
  };
}

/** When no hub answers: of its sites nothing is known then. */
export function hubDownCheck(reason: string): LocalCheck {
  const todo = "systemctl start farsite-hub; systemctl status farsite-hub says why it does not run";
  return { state: 2, service: HUB, metrics: [], texts: [`${reason}; ${todo}`] };
}

export function siteChecks(view: SiteView, levels: SiteLevels, now: number): LocalCheck[] {
  return [tunnelCheck(view, levels, now), ...outboxCheck(view, levels, now)];
}

function tunnelCheck(view: SiteView, levels: SiteLevels, now: number): LocalCheck {
  const { tenant, site, state, since, peer, rtt, streams, agent, update, livestatus, carrier } = view;
  const service = `Farsite tunnel ${tenant}/${site}`;
  const connected = state === "connected";
  const figures = [{ name: "connected", value: connected ? 1 : 0 }];
  const inState = age(since, now);
  if (!connected)
    return {
      state: awayState(state, inState, levels),
      service,
      metrics: figures,
      texts: awayTexts(view, now),
    };
  const slow = rtt === undefined ? 0 : levelsState(rtt / 1000, levels.rtt);
  const reason = ["dead", "down", "unreach"].includes(livestatus.state) ? livestatus.reason : undefined;
  const dead = reason === undefined ? [] : [`Livestatus is ${livestatus.state}: ${reason}`];
  const round = rtt === undefined ? [] : [`round trip ${rtt.toFixed(1)} ms`];
  const release = agent ? [`agent ${agent.version}${update ? ", update available" : ""}`] : [];
  return {
    state: worst([slow, dead.length > 0 ? 1 : 0]),
    service,
    metrics: [
      ...figures,
      ...(rtt === undefined ? [] : [{ name: "rtt", value: rtt / 1000, levels: levels.rtt }]),
      { name: "streams", value: streams },
      { name: "age", value: inState },
    ],
    texts: [
      [`connected from ${peer ?? "?"} for ${ago(since, now)}`, ...round, ...release, ...dead].join(", "),
      ...(carrier ? [`carrier: ${carrier}`] : []),
    ],
  };
}

function awayState(state: SiteView["state"], inState: number, { away }: SiteLevels): CheckState {
  // what somebody wanted is no failure
  if (state === "disabled") return 0;
  return state === "never" ? 1 : worst([1, levelsState(inState, away)]);
}

function awayTexts({ state, since, reason, tenant, site }: SiteView, now: number): string[] {
  if (state === "disabled") return ["disabled at the hub"];
  if (state === "never")
    return [`its agent never came: farsite-hub site token ${tenant}/${site} makes a token`];
  return [`not connected for ${ago(since, now)}: ${reason ?? "the agent does not come"}`];
}

/** What the site's outbox has sent, and the hub's sinks do not have yet; none for a site that never sent anything. */
function outboxCheck({ tenant, site, inbox }: SiteView, levels: SiteLevels, now: number): LocalCheck[] {
  if (inbox.length === 0) return [];
  const depth = inbox.reduce((sum, { waiting }) => sum + waiting, 0);
  const oldest = Math.max(0, ...inbox.map((lane) => age(lane.oldest, now)));
  const bytes = inbox.reduce((sum, lane) => sum + lane.bytes, 0);
  const lost = inbox.reduce((sum, { refused, damaged }) => sum + refused + damaged, 0);
  const problems = inbox.flatMap(({ problem, sinks }) => [
    ...(problem === undefined ? [] : [problem]),
    ...sinks.flatMap((sink) => (sink.problem === undefined ? [] : [`${sink.sink}: ${sink.problem}`])),
  ]);
  const waits =
    depth === 0
      ? "all that came is delivered"
      : `${depth} letters wait for a sink, the oldest for ${Math.round(oldest)} s`;
  const gone = lost === 0 ? [] : [`${lost} refused or damaged since the hub's start`];
  return [
    {
      state: worst([
        levelsState(oldest, levels.age),
        levelsState(depth, levels.depth),
        lost > 0 || problems.length > 0 ? 1 : 0,
      ]),
      service: `Farsite outbox ${tenant}/${site}`,
      metrics: [
        { name: "depth", value: depth, levels: levels.depth },
        { name: "bytes", value: bytes },
        { name: "age", value: oldest, levels: levels.age },
      ],
      texts: [
        [waits, ...gone, ...problems].join("; "),
        ...inbox.map(({ lane, received, waiting }) => `${lane}: ${received} received, ${waiting} waiting`),
      ],
    },
  ];
}

/** What Checkmk takes for a host's name in piggyback data. */
const HOST_NAME = /^[\w.-]{1,200}$/;

/**
 * All of it as a plugin of Checkmk's agent prints it.
 * @param host the host of each site, made of its names; undefined: all is of the hub's host
 * Throws E_USAGE.
 */
export function pluginLines(status: HubStatus, levels: SiteLevels, now: number, host?: string): string[] {
  const own = [LOCAL_SECTION, localLine(hubCheck(status))];
  const perSite = status.sites.map((view) => ({ view, lines: siteChecks(view, levels, now).map(localLine) }));
  if (host === undefined) return [...own, ...perSite.flatMap(({ lines }) => lines)];
  return [
    ...own,
    ...perSite.flatMap(({ view, lines }) => [
      `<<<<${hostOf(host, view)}>>>>`,
      LOCAL_SECTION,
      ...lines,
      "<<<<>>>>",
    ]),
  ];
}

function hostOf(template: string, site: SiteView): string {
  const name = expand(template, site);
  if (HOST_NAME.test(name)) return name;
  throw new FarsiteError("E_USAGE", `${name} cannot be the name of a host`, "For example '{tenant}-{site}'.");
}

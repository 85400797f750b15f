/** The services that the agent is to Checkmk on its own host: itself, and tunnel and outbox of each site. */
import {
  age,
  type CheckState,
  type LocalCheck,
  levelsState,
  type SiteLevels,
  worst,
} from "../../common/checkmk/index.ts";
import { ago } from "../../common/command/index.ts";
import type { AgentStatus, SiteStatus } from "../status.ts";

const tunnelOf = (name: string) => `Farsite tunnel ${name}`;
const outboxOf = (name: string) => `Farsite outbox ${name}`;
const AGENT = "Farsite agent";

/** The agent itself. */
export function agentCheck({ version, sites, damaged }: AgentStatus): LocalCheck {
  const newer = sites.find(({ update }) => update !== undefined)?.update;
  const broken = damaged.map(({ message, code }) => `an enrolment cannot be read: ${message} [${code}]`);
  const serves = `${version}, serves ${sites.map(({ tenant, site }) => `${tenant}/${site}`).join(", ")}`;
  const update = newer === undefined ? [] : [`update available: the hub has ${newer}`];
  return {
    state: broken.length > 0 ? 1 : 0,
    service: AGENT,
    metrics: [],
    texts: [[...broken, serves, ...update].join("; ")],
  };
}

export function siteChecks(status: SiteStatus, levels: SiteLevels, now: number): LocalCheck[] {
  return [tunnelCheck(status, levels, now), outboxCheck(status, levels, now)];
}

function tunnelCheck(status: SiteStatus, levels: SiteLevels, now: number): LocalCheck {
  const { name, state, since, url, rtt, streams, carrier, blocked, error, core } = status;
  const service = tunnelOf(name);
  const inState = age(since, now);
  if (state !== "connected") {
    const why = error ? `${error.message} [${error.code}]` : "no connection yet";
    return {
      state: worst([1, levelsState(inState, levels.away)]),
      service,
      metrics: [{ name: "connected", value: 0 }],
      texts: [`not connected to ${url} for ${ago(since, now)}: ${why}`, ...(error?.hint ? [error.hint] : [])],
    };
  }
  const slow = rtt === undefined ? 0 : levelsState(rtt / 1000, levels.rtt);
  const dead = core?.state === "dead" ? core : undefined;
  const texts = [
    `connected to ${url} for ${ago(since, now)}`,
    ...(rtt === undefined ? [] : [`round trip ${rtt.toFixed(1)} ms`]),
    ...(dead ? [`the core does not answer: ${dead.reason} (${dead.cause})`] : []),
  ];
  return {
    state: worst([slow, dead ? 1 : 0]),
    service,
    metrics: [
      { name: "connected", value: 1 },
      ...(rtt === undefined ? [] : [{ name: "rtt", value: rtt / 1000, levels: levels.rtt }]),
      { name: "streams", value: streams },
      { name: "age", value: inState },
    ],
    texts: [texts.join(", "), ...(carrier ? [`carrier: ${carrier}`] : []), ...(blocked ? [blocked] : [])],
  };
}

function outboxCheck(
  { name, outbox, notifications, dumps }: SiteStatus,
  levels: SiteLevels,
  now: number,
): LocalCheck {
  const service = outboxOf(name);
  if (outbox.length === 0)
    return { state: 0, service, metrics: [], texts: ["nothing is forwarded from here"] };
  const total = (of: (lane: (typeof outbox)[number]) => number) =>
    outbox.reduce((sum, lane) => sum + of(lane), 0);
  const depth = total(({ items }) => items);
  const oldest = Math.max(...outbox.map((lane) => age(lane.oldest, now)));
  const lost = total(({ refused, givenUp, damaged }) => refused + givenUp + damaged);
  const problems = [...outbox, notifications, dumps].flatMap((each) => each?.problem ?? []);
  const states: CheckState[] = [
    levelsState(oldest, levels.age),
    levelsState(depth, levels.depth),
    lost > 0 || problems.length > 0 ? 1 : 0,
  ];
  const waits = depth === 0 ? "empty" : `${depth} items wait, the oldest for ${Math.round(oldest)} s`;
  const gone = lost === 0 ? [] : [`${lost} refused, given up or damaged since the start`];
  return {
    state: worst(states),
    service,
    metrics: [
      { name: "depth", value: depth, levels: levels.depth },
      { name: "bytes", value: total(({ bytes }) => bytes) },
      { name: "age", value: oldest, levels: levels.age },
    ],
    texts: [
      [waits, ...gone, ...problems].join("; "),
      ...outbox.map(
        ({ lane, items, waits: why }) => `${lane}: ${items}${why === undefined ? "" : `, ${why}`}`,
      ),
    ],
  };
}

/** A site of an agent that does not answer. */
export interface Stranded {
  name: string;
  /** Items of its outbox on disk. */
  items: number;
}

/** The same services while no agent answers. */
export function downChecks(sites: readonly Stranded[], reason: string, todo: string): LocalCheck[] {
  const down = (service: string, text: string, metrics: LocalCheck["metrics"] = []): LocalCheck => ({
    state: 2,
    service,
    metrics,
    texts: [`${text}; ${todo}`],
  });
  return [
    down(AGENT, reason),
    ...sites.flatMap(({ name, items }) => [
      down(tunnelOf(name), reason, [{ name: "connected", value: 0 }]),
      // what nobody sends is no more late than the tunnel is away; but it must not look empty
      items > 0
        ? down(outboxOf(name), `${items} items wait on disk, and no agent sends them`, [
            { name: "depth", value: items },
          ])
        : { state: 0 as const, service: outboxOf(name), metrics: [], texts: ["nothing waits on disk"] },
    ]),
  ];
}

/** Everything that the doctor looks at, of this agent or of the way to a hub, in its order. */
import { lookup } from "node:dns/promises";
import { join } from "node:path";
import { getCACertificates } from "node:tls";
import { systemClock } from "../../common/clock.ts";
import type { Places } from "../../common/command/index.ts";
import { FarsiteError } from "../../common/errors.ts";
import { systemRandom } from "../../common/random.ts";
import type { AgentConfig } from "../config.ts";
import {
  configFinding,
  eased,
  type Finding,
  itemsOnDisk,
  type Keys,
  listenFinding,
  ok,
  problem,
  runningFindings,
  serviceFindings,
  skipped,
  stateFinding,
  systemAsk,
  walkWay,
  warning,
} from "../doctor/index.ts";
import { type Assigned, assign, readEnrolments, unassigned } from "../enrolment/index.ts";
import { type Account, agentAccount } from "../omd/index.ts";
import { opener, type RouteTo, routesFrom, viewOf } from "../route/index.ts";
import { hubKeysOf } from "../state.ts";
import { type AgentStatus, askAgent, type SiteStatus, STATUS_SOCKET } from "../status.ts";
import { kindsOf, readAuthorities, stagedReach } from "../tunnel/index.ts";
import { readConfigIfAny } from "./config-file.ts";

/** Most ms for a step: whoever waits is a person. */
const PATIENCE = 10_000;

/** A finding, and where it belongs. */
export interface Told extends Finding {
  /** The enrolment's name. */
  site?: string;
  /** The hub's address, where it is about the way there. */
  hub?: string;
}

export interface Settings {
  config: AgentConfig;
  routeTo: RouteTo;
  authorities: string[] | undefined;
}

/** Throws E_CONFIG or E_KEY_FILE. */
export function settingsOf(config: AgentConfig, environment: NodeJS.ProcessEnv): Settings {
  return {
    config,
    routeTo: routesFrom(config.proxy, environment),
    authorities: readAuthorities(config.ca_file),
  };
}

function settingsIn(file: string): Settings {
  return settingsOf(readConfigIfAny(file), process.env);
}

/** Only the way, as somebody who is not enrolled sees it. */
export async function* examineHub(url: string, { config }: Places): AsyncGenerator<Told> {
  yield* at({ hub: url }, walk(url, settingsIn(config), undefined));
}

export async function* examineAgent(
  only: string | undefined,
  { config: file, stateDir, runDir }: Places,
): AsyncGenerator<Told> {
  const account = agentAccount(stateDir);
  let settings: Settings;
  try {
    settings = settingsIn(file);
  } catch (error) {
    yield problem("configuration", error);
    yield skipped("connection", "the way to the hub cannot be known without a configuration that is right");
    return;
  }
  const { sites, findings } = sitesOf(settings.config, stateDir);
  const wanted = sites.filter(({ name }) => only === undefined || name === only);
  if (sites.length > 0 && wanted.length === 0) {
    const names = sites.map(({ name }) => name).join(", ");
    throw new FarsiteError("E_NOT_FOUND", `this agent has no site named ${only}`, `It has: ${names}.`);
  }
  yield configFinding(file, account);
  yield stateFinding(stateDir, account);
  yield* findings;
  if (wanted.length === 0) return;
  const running = await askAgent(join(runDir, STATUS_SOCKET)).catch(() => undefined);
  if (!running) {
    yield warning("agent", `no agent answers in ${runDir}`, {
      do: "systemctl start farsite-agent, or name its --run-dir; all else is looked at without it.",
      owner: "host",
    });
  }
  for (const site of wanted) {
    yield* at({ site: site.name }, ways(site, settings));
    yield* at({ site: site.name }, here(site, settings, account, statusOf(running, site)));
  }
}

/** The sites that this agent serves, and what is wrong with their enrolments. */
function sitesOf(config: AgentConfig, stateDir: string): { sites: Assigned[]; findings: Finding[] } {
  try {
    const { enrolments, damaged } = readEnrolments(stateDir);
    const unserved = unassigned(config, enrolments).map((name) =>
      warning("configuration", `agent.toml names a site for which this agent is not enrolled: ${name}`),
    );
    const broken = damaged.map((error) => problem("state", error));
    return { sites: assign(config, enrolments), findings: [...broken, ...unserved] };
  } catch (error) {
    const says = "no hub is known; farsite-agent doctor --hub wss://HOST looks at the way to one";
    return { sites: [], findings: [problem("state", error), skipped("connection", says)] };
  }
}

function statusOf(running: AgentStatus | undefined, { name }: Assigned): SiteStatus | undefined {
  return running?.sites.find((each) => each.name === name);
}

/** Each of the hub's addresses; what is wrong with one of them is no problem while another one serves. */
async function* ways({ enrolled, config }: Assigned, settings: Settings): AsyncGenerator<Told> {
  const urls = config.hub.urls ?? [enrolled.url];
  const [hubKey = Buffer.from(enrolled.hubKey, "base64")] = hubKeysOf(enrolled);
  const keys = { identity: enrolled.identity, hubKey };
  const trusted = { keys, certificate: enrolled.certificate };
  const [url = enrolled.url] = urls;
  if (urls.length === 1) return yield* at({ hub: url }, walk(url, settings, trusted));
  const walked: Told[][] = [];
  for (const each of urls) {
    const found: Told[] = [];
    for await (const finding of at({ hub: each }, walk(each, settings, trusted))) found.push(finding);
    walked.push(found);
  }
  const whole = walked.some((found) => found.every(({ state }) => state !== "problem"));
  for (const finding of walked.flat()) yield whole ? eased(finding) : finding;
}

/** What an enrolled agent knows of its hub. */
export interface Trusted {
  keys: Keys;
  certificate: string | undefined;
}

/** The way to one address of the hub; without `trusted` as somebody who is not enrolled sees it. */
export function walk(url: string, settings: Settings, trusted: Trusted | undefined): AsyncGenerator<Finding> {
  const { config, routeTo, authorities } = settings;
  const [clock, random] = [systemClock, systemRandom];
  let scheme: string | undefined;
  const authenticated = (taken: string) => {
    scheme = taken;
  };
  const open = opener({ routeTo, random, ca: authorities, authenticated });
  const pinned = trusted?.certificate;
  const ca = pinned === undefined ? authorities : [pinned];
  const reach = stagedReach({ ca, clock, open });
  return walkWay({
    url,
    route: routeTo(url),
    open,
    authenticated: () => scheme,
    lookup: (name) => lookup(name, { all: true }),
    trust: { ca, pinned: pinned !== undefined, everybody: getCACertificates("bundled") },
    // never native: each step by itself, so that a failure names it
    kinds: kindsOf(config.carrier, { ca, reach, native: () => false, clock }),
    keys: trusted?.keys,
    clock,
    random,
    timeout: Math.min(PATIENCE, config.limits.handshake_seconds * 1000),
  });
}

/** What is on this host of one site. */
async function* here(
  { config: own, folder }: Assigned,
  { routeTo }: Settings,
  account: Account,
  status: SiteStatus | undefined,
): AsyncGenerator<Finding> {
  yield* await serviceFindings(own, systemAsk(account, systemClock, own.probe.timeout_seconds * 1000));
  if (status) return yield* runningFindings(status, (url) => viewOf(routeTo(url)));
  for (const [line, { text, address }] of Object.entries(own.listen))
    yield await listenFinding(line, text, address);
  const items = itemsOnDisk(folder);
  if (own.notifications.spool !== undefined || items > 0)
    yield ok("outbox", `${items} waiting on disk`, { items });
}

async function* at(place: Pick<Told, "site" | "hub">, findings: AsyncIterable<Told>): AsyncGenerator<Told> {
  for await (const finding of findings) yield { ...place, ...finding };
}

/** A real core, a hub and an agent, with a relay between the two that fails as it is told. */
import { join } from "node:path";
import { type Authority, makeAuthority } from "../e2e/certificates.ts";
import { manners, Target as Service } from "../e2e/target.ts";
import { type FarsiteLab, freePort, type TestAgent, type TestHub } from "../lab/farsite.ts";
import { makeIcingaSite, settled, startIcinga } from "../lab/icinga.ts";
import type { Target } from "../lab/livestatus.ts";
import type { Dice } from "./dice.ts";
import { Journal } from "./journal.ts";
import { Inspector } from "./line/inspector.ts";
import { Relay } from "./line/relay.ts";
import { type Question, questionsTo } from "./load/queries.ts";
import type { Options } from "./options.ts";

const SITE = "acme/main";
/** The probe's service; the bulk transfer goes through `http`, which waits for the others. */
const PROBE = "probe";
const PROBE_PORT = 7001;
/** Bulk to the hub, and nothing but bytes. */
const BULK = "https";
const BULK_PORT = 5443;
const HOSTS = 300;
const SERVICES_PER_HOST = 5;
/** Share of the connections that go through the inspecting proxy, with mixed faults. */
const INSPECTED = 0.5;
/** Seconds after which the agent replaces its carrier, with planned roll-over. */
const ROLL_OVER = 5;

interface Place {
  host: string;
  port: number;
}

type Progress = (line: string) => void;

export interface Stage {
  relay: Relay;
  inspector: Inspector;
  journal: Journal;
  hub: TestHub;
  agent: TestAgent;
  questions: Question[];
  /** Where the central site reaches what is behind the agent. */
  livestatus: Target[];
  bulk: Place;
  probe: Place;
  /** The echo that the probe reaches through the tunnel, without the tunnel. */
  echo: Place;
}

export async function setStage(
  options: Options,
  lab: FarsiteLab,
  dice: Dice,
  progress: Progress,
): Promise<Stage> {
  const { cleanup } = lab;
  const site = makeIcingaSite({
    name: "acme",
    directory: join(lab.folder, "core"),
    hosts: HOSTS,
    servicesPerHost: SERVICES_PER_HOST,
  });
  const [authority] = await Promise.all([
    makeAuthority(lab.folder),
    startIcinga(site, { cleanup }).then(() => settled(site)),
  ]);
  const questions = await questionsTo({ unix: site.socket }, site);
  const echo = await Service.start(manners.echo, cleanup);
  const { hub, relay, inspector, journal } = await startHub(options, lab, authority, dice, progress);
  const agent = await startAgent(hub, journal, options, lab, {
    ca_file: authority.file,
    services: { livestatus: `unix:${site.socket}`, [BULK]: echo.name, [PROBE]: echo.name },
  });
  const [livestatus, bulk, probe] = await Promise.all(
    ["livestatus", BULK, PROBE].map((service) => hub.endpoint(SITE, service)),
  );
  if (!livestatus || !bulk || !probe) throw new Error("an endpoint is missing");
  return {
    ...{ relay, inspector, journal, hub, agent, questions },
    livestatus: [{ host: livestatus.address, port: livestatus.port }, { unix: livestatus.socket }],
    bulk: { host: bulk.address, port: bulk.port },
    probe: { host: probe.address, port: probe.port },
    echo: { host: "127.0.0.1", port: Number(echo.name.split(":").at(-1)) },
  };
}

async function startHub(
  options: Options,
  lab: FarsiteLab,
  authority: Authority,
  dice: Dice,
  progress: Progress,
) {
  const port = await freePort();
  const [own, forged] = await Promise.all([authority.issue("hub"), authority.issue("inspector")]);
  const inspector = await Inspector.start(port, forged, authority, lab.cleanup);
  const route = () => (options.mode === "mixed" && dice.unit() < INSPECTED ? inspector.port : port);
  const relay = await Relay.start(route, options.rtt / 2, lab.cleanup);
  const hub = await lab.makeHub({
    url: `wss://127.0.0.1:${relay.port}`,
    listen: { port, tls: "files", ...own },
    services: { [PROBE]: PROBE_PORT, [BULK]: BULK_PORT },
    ...limits(options),
  });
  const journal = new Journal(options.verbose ? progress : () => {});
  await hub.start({ onLine: (line) => journal.hub(line) });
  return { hub, relay, inspector, journal };
}

async function startAgent(
  hub: TestHub,
  journal: Journal,
  options: Options,
  lab: FarsiteLab,
  settings: Parameters<FarsiteLab["makeAgent"]>[0],
): Promise<TestAgent> {
  const { token } = await hub.addSite(SITE);
  const agent = lab.makeAgent({
    ...settings,
    carrier: {
      kind: options.carrier,
      ...(options.mode === "rollover" && { max_age_seconds: ROLL_OVER }),
    },
    ...limits(options),
  });
  await agent.ok("enroll", token);
  await agent.start({ onLine: (line) => journal.agent(line) });
  await hub.reaches(SITE, "connected");
  return agent;
}

function limits({ deadSeconds }: Options): { limits?: { dead_seconds: number } } {
  return deadSeconds === undefined ? {} : { limits: { dead_seconds: deadSeconds } };
}

/** One real core, one hub, one agent: what every test of this folder plays on. */

import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe } from "vitest";
import { FarsiteLab, freePort, type HubSettings, type TestAgent, type TestHub } from "../../lab/farsite.ts";
import { ICINGA_PACKAGES, type IcingaSite, makeIcingaSite, settled, startIcinga } from "../../lab/icinga.ts";
import { rows, type Target } from "../../lab/livestatus.ts";
import { obstacleTo } from "../../lab/obstacle.ts";
import { waitFor } from "../../lab/process.ts";
import { connectionsAt, connectionsTo } from "./sockets.ts";

/** The endpoints: by TCP and by Unix socket, each to either of the core's own sockets. */
export const DOORS = [
  "the TCP endpoint",
  "the Unix socket endpoint",
  "the TCP endpoint, core by TCP",
  "the Unix socket endpoint, core by TCP",
] as const;
export type DoorName = (typeof DOORS)[number];

/** A way to the core's Livestatus. */
export interface Door {
  name: DoorName;
  target: Target;
}

const SITE = "acme/main";
/** The second service of the agent: the same core by its TCP port. */
const BY_TCP = "livestatus-tcp";
const BY_TCP_PORT = 6560;

/** Debian's Icinga has no time period of its own. */
const TIME_PERIODS = `
object TimePeriod "24x7" {
  import "legacy-timeperiod"
  display_name = "Rund um die Uhr, täglich"
  ranges = { monday = "00:00-24:00", tuesday = "00:00-24:00", wednesday = "00:00-24:00", thursday = "00:00-24:00",
             friday = "00:00-24:00", saturday = "00:00-24:00", sunday = "00:00-24:00" }
}
object TimePeriod "never" { import "legacy-timeperiod"; display_name = "Nie"; ranges = { } }
`;

export class Stage {
  readonly hub: TestHub;
  readonly agent: TestAgent;
  readonly site: IcingaSite;
  /** The core's own Unix socket: what it answers there is the measure. */
  readonly core: Target;
  /** The core's own TCP port. */
  readonly coreTcp: Target;
  readonly doors: readonly Door[];
  /** Those at which the hub takes requests apart and asks the core itself: those of the service `livestatus`. */
  readonly gated: readonly Door[];
  /** Those at which each client has the core to itself, byte for byte: those of a service that is only bytes to the hub. */
  readonly joined: readonly Door[];
  /** Those to the core's Unix socket, as usually configured. */
  readonly tcp: Target;
  readonly unix: Target;

  constructor(parts: {
    hub: TestHub;
    agent: TestAgent;
    site: IcingaSite;
    port: number;
    doors: readonly Door[];
  }) {
    const { hub, agent, site, port, doors } = parts;
    this.hub = hub;
    this.agent = agent;
    this.site = site;
    this.doors = doors;
    this.gated = doors.slice(0, 2);
    this.joined = doors.slice(2);
    this.core = { unix: site.socket };
    this.coreTcp = { host: "127.0.0.1", port };
    this.tcp = this.door("the TCP endpoint");
    this.unix = this.door("the Unix socket endpoint");
  }

  door(name: DoorName): Target {
    const found = this.doors.find((door) => door.name === name);
    if (!found) throw new Error(`there is no ${name}`);
    return found.target;
  }

  /** Connections that the core has by its Unix socket and that the agent has to its TCP port. */
  get connections(): number {
    return (
      connectionsAt(this.site.socket) + connectionsTo(this.site.tcpPort ?? 0, this.agent.process.pid ?? 0)
    );
  }

  /** Waits until the core has so many connections. */
  connected(count: number): Promise<void> {
    return waitFor(`${count} connections to the core`, () => this.connections === count, {
      withinMs: 10_000,
      everyMs: 5,
    });
  }

  /** How many connections the core has taken since it was started, that of this question included. */
  async accepted(): Promise<number> {
    const [row] = await rows(this.core, "GET status\nColumns: connections");
    return Number(row?.[0]);
  }
}

export interface StageOptions {
  servicesPerHost?: number;
  /** Debian packages of clients that the tests need besides the core. */
  packages?: readonly string[];
  /** TCP addresses for viewers. */
  viewer?: HubSettings["viewer"];
}

/**
 * A suite on a stage of its own. Where what it needs is not installed and cannot be, it is left out, and says
 * so where it cannot be overlooked.
 */
export async function suite(
  name: string,
  options: StageOptions,
  body: (stage: () => Stage) => void,
): Promise<void> {
  const obstacle = await obstacleTo(name, [...ICINGA_PACKAGES, ...(options.packages ?? [])]);
  describe.skipIf(obstacle !== undefined)(name, () => {
    let lab: FarsiteLab;
    let stage: Stage | undefined;
    beforeAll(async () => {
      lab = new FarsiteLab();
      stage = await setUp(lab, options);
    });
    afterAll(() => lab.end());
    body(() => {
      if (!stage) throw new Error("the stage is not set up yet");
      return stage;
    });
  });
}

async function setUp(lab: FarsiteLab, options: StageOptions): Promise<Stage> {
  const port = await freePort();
  const site = makeIcingaSite({
    name: "acme",
    directory: join(lab.folder, "core"),
    hosts: 300,
    servicesPerHost: options.servicesPerHost ?? 10,
    tcpPort: port,
  });
  appendFileSync(join(site.directory, "etc", "icinga2.conf"), TIME_PERIODS);
  await startIcinga(site, { cleanup: lab.cleanup });
  const hub = await lab.startHub({
    services: { [BY_TCP]: BY_TCP_PORT },
    ...(options.viewer && { viewer: options.viewer }),
  });
  const services = { livestatus: `unix:${site.socket}`, [BY_TCP]: `tcp:127.0.0.1:${port}` };
  // the tests count the connections of the core, so it is probed at the start only
  const agent = await lab.connect(hub, SITE, { services, probe: { interval_seconds: 3600 } });
  await settled(site);
  const [direct, byTcp] = [await hub.endpoint(SITE, "livestatus"), await hub.endpoint(SITE, BY_TCP)];
  const doors: Door[] = [
    { name: "the TCP endpoint", target: { host: direct.address, port: direct.port } },
    { name: "the Unix socket endpoint", target: { unix: direct.socket } },
    { name: "the TCP endpoint, core by TCP", target: { host: byTcp.address, port: byTcp.port } },
    { name: "the Unix socket endpoint, core by TCP", target: { unix: byTcp.socket } },
  ];
  const stage = new Stage({ hub, agent, site, port, doors });
  await stage.connected(0);
  return stage;
}

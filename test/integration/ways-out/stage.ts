/** One hub with a certificate of an authority, and its site's agent, which is run within this process. */
import { settingsOf, walk } from "../../../agent/command/checkup.ts";
import { wayOut } from "../../../agent/command/way-out.ts";
import { agentConfig } from "../../../agent/config.ts";
import type { Finding } from "../../../agent/doctor/index.ts";
import { routesFrom, viewOf } from "../../../agent/route/index.ts";
import { dialTarget, Services } from "../../../agent/service/index.ts";
import { readEnrolled } from "../../../agent/state.ts";
import { Connector, type ConnectorStatus } from "../../../agent/tunnel/index.ts";
import { systemClock } from "../../../common/clock.ts";
import { MemoryLog } from "../../../common/log.ts";
import { systemRandom } from "../../../common/random.ts";
import { type Authority, makeAuthority } from "../../e2e/certificates.ts";
import { Client, placesOf } from "../../e2e/client.ts";
import { manners, Target } from "../../e2e/target.ts";
import {
  type AgentSettings,
  type FarsiteLab,
  type TestAgent,
  type TestHub,
  until,
} from "../../lab/farsite.ts";
import { fixedKeys } from "../../unit/tunnel/rig.ts";

const SITE = "acme/main";

export interface Way {
  /** The address of the hub, or of what stands in its place. Default: the hub itself. */
  url?: string;
  settings?: AgentSettings;
  environment?: Record<string, string>;
}

export class Stage {
  private constructor(
    private readonly lab: FarsiteLab,
    readonly hub: TestHub,
    readonly authority: Authority,
    /** The same agent as an installation, for tests with its real process. */
    readonly installed: TestAgent,
    private readonly echo: Target,
  ) {}

  static async open(lab: FarsiteLab): Promise<Stage> {
    const authority = await makeAuthority(lab.folder);
    const files = await authority.issue("hub");
    const hub = await lab.startHub({ listen: { tls: "files", ...files }, services: { echo: 7001 } });
    const { token } = await hub.addSite(SITE);
    const installed = lab.makeAgent({ ca_file: authority.file });
    await installed.ok("enroll", token);
    return new Stage(lab, hub, authority, installed, await Target.start(manners.echo, lab.cleanup));
  }

  /** agent.toml of an agent that can reach the hub directly. */
  settings({ url = this.hub.url, settings = {} }: Way = {}): AgentSettings {
    return {
      hub: { urls: [url] },
      ca_file: this.authority.file,
      services: { echo: this.echo.name },
      // what becomes of a WebSocket; where requests get through instead, a row says so
      carrier: { kind: "websocket" },
      ...settings,
      limits: { handshake_seconds: 2, dead_seconds: 2, ...settings.limits },
    };
  }

  /** An agent with that configuration, running. */
  start(way: Way): RunningAgent {
    const agent = new RunningAgent(this.installed.stateDir, this.settings(way), way.environment ?? {});
    this.lab.cleanup.add("stop an agent", () => agent.stop());
    return agent;
  }

  /** What the doctor finds on that way, with the agent's keys. */
  async examine(way: Way): Promise<Finding[]> {
    const settings = settingsOf(agentConfig.parse(this.settings(way)), way.environment ?? {});
    const { identity, hubKey, certificate } = readEnrolled(this.installed.stateDir);
    const keys = { identity, hubKey: Buffer.from(hubKey, "base64") };
    return Array.fromAsync(walk(way.url ?? this.hub.url, settings, { keys, certificate }));
  }

  /** A client of the endpoint whose service sends back what comes. */
  async client(): Promise<Client> {
    return Client.to(placesOf(await this.hub.endpoint(SITE, "echo")).tcp);
  }
}

export class RunningAgent {
  readonly log = new MemoryLog();
  readonly #connector: Connector;
  readonly #running: Promise<void>;

  constructor(stateDir: string, settings: AgentSettings, environment: Record<string, string>) {
    const config = agentConfig.parse(settings);
    const enrolled = readEnrolled(stateDir);
    const routeTo = routesFrom(config.proxy, environment);
    const services = new Services({
      targets: new Map(Object.entries(config.services).map(([name, target]) => [name, target.address])),
      dial: dialTarget,
      clock: systemClock,
      connectTimeout: 1000,
      log: this.log,
    });
    this.#connector = new Connector({
      enrolled,
      keys: fixedKeys(enrolled.identity, Buffer.from(enrolled.hubKey, "base64")),
      services,
      core: () => undefined,
      carriers: wayOut({ config, routeTo, certificate: enrolled.certificate, log: this.log }).carriers,
      route: (url) => viewOf(routeTo(url)),
      clock: systemClock,
      random: systemRandom,
      log: this.log,
      defer: setImmediate,
      session: { grace: config.limits.grace_seconds * 1000, deadAfter: config.limits.dead_seconds * 1000 },
      maxStreams: config.limits.streams,
      timeout: config.limits.handshake_seconds * 1000,
      urls: config.hub.urls ?? [enrolled.url],
      maxAge: undefined,
      network: () => "",
    });
    this.#running = this.#connector.run();
  }

  get status(): ConnectorStatus {
    return this.#connector.status();
  }

  /** `connected`, or the code of the first error, with its message. */
  async outcome(): Promise<{ code: string; said: string }> {
    await until("the agent to connect or to fail", () => {
      const { state, error } = this.status;
      return state === "connected" || error !== undefined;
    });
    const { error } = this.status;
    return { code: error?.code ?? "connected", said: `${error?.message ?? ""}\n${error?.hint ?? ""}` };
  }

  connected(): Promise<void> {
    return until("the agent to connect", () => this.status.state === "connected");
  }

  async stop(): Promise<void> {
    this.#connector.stop();
    await this.#running;
  }
}

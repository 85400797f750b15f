/** One site that this agent serves: its services, its core, and its tunnel to its hub. */
import { networkInterfaces } from "node:os";
import { isDeepStrictEqual } from "node:util";
import { systemClock } from "../../common/clock.ts";
import { LIVESTATUS } from "../../common/core.ts";
import type { Drainable } from "../../common/drain.ts";
import { reasonOf } from "../../common/errors.ts";
import { policyOf, restricts } from "../../common/livestatus/index.ts";
import type { Log } from "../../common/log.ts";
import { BULK } from "../../common/mux/index.ts";
import { OUTBOX } from "../../common/outbox/index.ts";
import { systemRandom } from "../../common/random.ts";
import { VERSION } from "../../common/version.ts";
import type { Vital } from "../../common/watchdog.ts";
import type { AgentConfig, SiteConfig } from "../config.ts";
import { CoreWatch, listensAt, secure } from "../core/index.ts";
import type { Assigned } from "../enrolment/index.ts";
import { Keys } from "../keys/index.ts";
import { Listeners } from "../listen/index.ts";
import { type Forwarding, openForwarding } from "../outbox/index.ts";
import { type RouteTo, routeText, viewOf } from "../route/index.ts";
import { dialTarget, type ServiceRules, Services } from "../service/index.ts";
import { type Enrolled, hubKeysOf, keyStore } from "../state.ts";
import { type SiteStatus, siteStatus } from "../status.ts";
import { Connector, connectorVital, statusLine, type Way } from "../tunnel/index.ts";
import { wayOut } from "./way-out.ts";

/** What all sites of this agent have in common. */
export interface Shared {
  /** Limits, carriers and authorities; what it says of sites is not looked at. */
  config: AgentConfig;
  /** Where that was read. */
  file: string;
  routeTo: RouteTo;
  /** Another text when a file that belongs to the way to the hub says something else. */
  files: string;
}

export class Site implements Drainable {
  readonly name: string;
  readonly #enrolled: Enrolled;
  /** TENANT/SITE. */
  readonly path: string;
  /** Whether its tunnel gets on, for the watchdog. */
  readonly vital: Vital;
  readonly #folder: string;
  readonly #log: Log;
  readonly #services: Services;
  readonly #listeners: Listeners;
  readonly #keys: Keys;
  readonly #connector: Connector;
  #own: SiteConfig;
  #shared: Shared;
  #core: CoreWatch | undefined;
  #forwarding: Forwarding | undefined;
  #running: Promise<void> | undefined;

  /** Throws E_CONFIG when the authorities cannot be read. */
  constructor({ name, folder, enrolled, config: own }: Assigned, shared: Shared, log: Log) {
    const [clock, random] = [systemClock, systemRandom];
    const { limits } = shared.config;
    this.name = name;
    this.#enrolled = enrolled;
    this.#keys = new Keys({
      identity: enrolled.identity,
      next: enrolled.next,
      hubKeys: hubKeysOf(enrolled),
      store: keyStore(folder),
      random,
    });
    this.path = `${enrolled.tenant}/${enrolled.site}`;
    this.#folder = folder;
    this.#log = log;
    this.#own = own;
    this.#shared = shared;
    this.#services = new Services({
      ...rulesOf(own),
      dial: dialTarget,
      clock,
      connectTimeout: limits.connect_seconds * 1000,
      log,
    });
    this.#core = this.#watch();
    this.#listeners = new Listeners({
      lines: own.listen,
      open: (line, priority) => this.#connector.open(line, priority),
      clients: limits.clients,
      queue: { datagrams: limits.queue_datagrams, bytes: limits.queue_mib * (1 << 20) },
      clock,
      log,
    });
    const way = this.#way(own, shared);
    this.#connector = new Connector({
      ...way,
      enrolled,
      keys: this.#keys,
      services: this.#services,
      listens: () => this.#listeners.kinds,
      hold: limits.hold_seconds * 1000,
      core: () => this.#core?.report,
      clock,
      random,
      log,
      defer: setImmediate,
      session: { grace: limits.grace_seconds * 1000, deadAfter: limits.dead_seconds * 1000 },
      maxStreams: limits.streams,
      timeout: limits.handshake_seconds * 1000,
      network: () => JSON.stringify(networkInterfaces()),
    });
    const timeout = limits.handshake_seconds * 1000;
    this.vital = connectorVital(this.#connector, { urls: way.urls.length, timeout });
  }

  #way(own: SiteConfig, { config, routeTo }: Shared): Way {
    const enrolled = this.#enrolled;
    const { max_age_seconds: age } = config.carrier;
    return {
      urls: own.hub.urls ?? [enrolled.url],
      carriers: wayOut({ config, routeTo, certificate: enrolled.certificate, log: this.#log }).carriers,
      route: (url) => viewOf(routeTo(url)),
      maxAge: age && age * 1000,
    };
  }

  #watch(): CoreWatch | undefined {
    const { services, probe } = this.#own;
    const target = services[LIVESTATUS];
    if (!target) return undefined;
    return new CoreWatch({
      service: LIVESTATUS,
      target: target.address,
      dial: dialTarget,
      secure,
      listening: listensAt,
      received: () => this.#services.received(LIVESTATUS),
      interval: probe.interval_seconds * 1000,
      timeout: probe.timeout_seconds * 1000,
      clock: systemClock,
      random: systemRandom,
      log: this.#log,
      changed: () => this.#connector.tellCore(),
    });
  }

  /** Opens the outbox, which then delivers; without it the rest serves. */
  async #forward(): Promise<void> {
    const { notifications, dumps, inventory } = this.#own;
    this.#forwarding = await openForwarding(
      { notifications, dumps, inventory, outbox: this.#shared.config.outbox },
      {
        stateDir: this.#folder,
        enrolled: this.#enrolled,
        hubKey: () => this.#keys.hubKey,
        open: () => this.#connector.open(OUTBOX, BULK),
        dial: dialTarget,
        clock: systemClock,
        random: systemRandom,
        log: this.#log,
      },
    ).catch((error: unknown) => {
      this.#log.error("the outbox cannot be opened, and nothing is forwarded", { reason: reasonOf(error) });
      return undefined;
    });
    this.#forwarding?.start();
  }

  /** Whether it is of this enrolment, also after keys were renewed. */
  isOf({ url, certificate, tenant, site, identity }: Enrolled): boolean {
    const own = this.#enrolled;
    return (
      own.url === url &&
      own.certificate === certificate &&
      own.tenant === tenant &&
      own.site === site &&
      this.#keys.identity.publicKey.bytes.equals(identity.publicKey.bytes)
    );
  }

  /** Asks the hub to take a new key of this agent's; false when there is no way to the hub now. Throws E_STATE. */
  renewKey(): boolean {
    return this.#connector.renewKey();
  }

  /** As in `Shared`. */
  get files(): string {
    return this.#shared.files;
  }

  /** How its tunnel is, in one line. */
  line(): string {
    return statusLine(this.#connector.status());
  }

  status(): SiteStatus {
    return siteStatus(
      this.name,
      this.#connector,
      this.#services,
      this.#core,
      this.#listeners,
      this.#forwarding,
    );
  }

  /** Runs until `stop`, whatever the hub says. */
  start(): void {
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    const log = this.#log;
    const { url, route } = this.#connector.status();
    log.info("agent starts", {
      version: VERSION,
      site: this.path,
      hub: url,
      services: this.#services.names.join(","),
    });
    log.info("way to the hub", { route: routeText(route) });
    await this.#forward();
    if (this.#own.push_only) log.info("push-only: no stream from the hub is let in");
    else if (this.#services.names.length === 0 && !this.#forwarding) {
      log.warn("no services are configured", { file: this.#shared.file });
    }
    this.#core?.start();
    const running = this.#connector.run();
    await this.#listeners.start();
    await running;
  }

  /**
   * Makes what can fail of another configuration; gives how to switch to it. Streams go on, but for those of services
   * and lines that are not there any more. Throws E_CONFIG.
   */
  prepare(own: SiteConfig, shared: Shared): () => Promise<void> {
    const way = this.#way(own, shared);
    return async () => {
      const before = { own: this.#own, config: this.#shared.config };
      const otherFiles = this.#shared.files !== shared.files;
      this.#own = own;
      this.#shared = shared;
      const changed = (...keys: (keyof SiteConfig)[]) =>
        keys.some((key) => !isDeepStrictEqual(before.own[key], own[key]));
      const changedAll = (...keys: (keyof AgentConfig)[]) =>
        keys.some((key) => !isDeepStrictEqual(before.config[key], shared.config[key]));
      if (changed("services", "push_only", "livestatus")) this.#services.reconfigure(rulesOf(own));
      if (changed("probe") || !isDeepStrictEqual(before.own.services[LIVESTATUS], own.services[LIVESTATUS])) {
        this.#core?.stop();
        this.#core = this.#watch();
        this.#core?.start();
      }
      if (changed("listen")) await this.#listeners.reconfigure(own.listen);
      if (changed("services", "push_only", "listen")) this.#connector.tellServices();
      if (otherFiles || changed("hub") || changedAll("carrier", "proxy", "ca_file")) {
        this.#connector.reroute(way);
      }
      if (changed("notifications", "dumps", "inventory") || changedAll("outbox")) {
        await this.#forwarding?.stop();
        await this.#forward();
      }
    };
  }

  drain(): void {
    this.#connector.tellStopping();
    this.#listeners.drain();
  }

  get underWay(): number {
    return this.#services.underWay + this.#listeners.underWay;
  }

  /** Ends everything; resolves when it has. */
  async stop(): Promise<void> {
    this.#core?.stop();
    // the session first: a cut answer must reach its client as a reset, not as an end
    this.#connector.stop();
    this.#listeners.stop();
    await this.#running;
    await this.#forwarding?.stop();
  }
}

function rulesOf(own: SiteConfig): ServiceRules {
  return {
    targets: new Map(Object.entries(own.services).map(([service, target]) => [service, target.address])),
    pushOnly: own.push_only,
    livestatus: restricts(own.livestatus) ? policyOf(own.livestatus) : undefined,
  };
}

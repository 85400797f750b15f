/** One site that this agent serves: its services, its core, and its tunnel to its hub. */
import { networkInterfaces } from "node:os";
import { systemClock } from "../../common/clock.ts";
import { LIVESTATUS } from "../../common/core.ts";
import { reasonOf } from "../../common/errors.ts";
import { policyOf, restricts } from "../../common/livestatus/index.ts";
import type { Log } from "../../common/log.ts";
import { BULK } from "../../common/mux/index.ts";
import { OUTBOX } from "../../common/outbox/index.ts";
import { systemRandom } from "../../common/random.ts";
import { VERSION } from "../../common/version.ts";
import type { Vital } from "../../common/watchdog.ts";
import type { AgentConfig } from "../config.ts";
import { CoreWatch, listensAt, secure } from "../core/index.ts";
import type { Assigned } from "../enrolment/index.ts";
import { Keys } from "../keys/index.ts";
import { Listeners } from "../listen/index.ts";
import { type Forwarding, openForwarding } from "../outbox/index.ts";
import { type RouteTo, routeText, viewOf } from "../route/index.ts";
import { dialTarget, Services } from "../service/index.ts";
import { hubKeysOf, keyStore } from "../state.ts";
import { type SiteStatus, siteStatus } from "../status.ts";
import { Connector, connectorVital, statusLine } from "../tunnel/index.ts";
import { wayOut } from "./way-out.ts";

/** What all sites of this agent have in common. */
export interface Shared {
  /** Limits, carriers and authorities; what it says of sites is not looked at. */
  config: AgentConfig;
  /** Where that was read. */
  file: string;
  routeTo: RouteTo;
}

export interface Site {
  /** TENANT/SITE. */
  path: string;
  status(): SiteStatus;
  /** Whether its tunnel gets on, for the watchdog. */
  vital: Vital;
  /** How its tunnel is, in one line. */
  line(): string;
  /** Asks the hub to take a new key of this agent's; false when there is no way to the hub now. Throws E_STATE. */
  renewKey(): boolean;
  /** Runs until `stop`, whatever the hub says. */
  run(): Promise<void>;
  stop(): void;
}

/** Throws E_CONFIG when the authorities cannot be read. */
export function openSite(
  { name, folder, enrolled, config: own }: Assigned,
  { config, file, routeTo }: Shared,
  log: Log,
): Site {
  const [clock, random] = [systemClock, systemRandom];
  const { limits, carrier } = config;
  const targets = new Map(Object.entries(own.services).map(([service, target]) => [service, target.address]));
  const services = new Services({
    targets,
    dial: dialTarget,
    clock,
    connectTimeout: limits.connect_seconds * 1000,
    log,
    pushOnly: own.push_only,
    livestatus: restricts(own.livestatus) ? policyOf(own.livestatus) : undefined,
  });
  const livestatus = targets.get(LIVESTATUS);
  const core =
    livestatus &&
    new CoreWatch({
      service: LIVESTATUS,
      target: livestatus,
      dial: dialTarget,
      secure,
      listening: listensAt,
      received: () => services.received(LIVESTATUS),
      interval: own.probe.interval_seconds * 1000,
      timeout: own.probe.timeout_seconds * 1000,
      clock,
      random,
      log,
      changed: () => connector.tellCore(),
    });
  const listeners = new Listeners({
    lines: own.listen,
    open: (line, priority) => connector.open(line, priority),
    clients: limits.clients,
    queue: { datagrams: limits.queue_datagrams, bytes: limits.queue_mib * (1 << 20) },
    clock,
    log,
  });
  const urls = own.hub.urls ?? [enrolled.url];
  const keys = new Keys({
    identity: enrolled.identity,
    next: enrolled.next,
    hubKeys: hubKeysOf(enrolled),
    store: keyStore(folder),
    random,
  });
  const connector = new Connector({
    enrolled,
    keys,
    services,
    listens: listeners.kinds,
    hold: limits.hold_seconds * 1000,
    core: () => core?.report,
    carriers: wayOut({ config, routeTo, certificate: enrolled.certificate, log }).carriers,
    route: (url) => viewOf(routeTo(url)),
    clock,
    random,
    log,
    defer: setImmediate,
    session: { grace: limits.grace_seconds * 1000, deadAfter: limits.dead_seconds * 1000 },
    maxStreams: limits.streams,
    timeout: limits.handshake_seconds * 1000,
    urls,
    maxAge: carrier.max_age_seconds && carrier.max_age_seconds * 1000,
    network: () => JSON.stringify(networkInterfaces()),
  });
  const path = `${enrolled.tenant}/${enrolled.site}`;
  let forwarding: Forwarding | undefined;
  return {
    path,
    vital: connectorVital(connector, { urls: urls.length, timeout: limits.handshake_seconds * 1000 }),
    renewKey: () => connector.renewKey(),
    line: () => statusLine(connector.status()),
    status: () => siteStatus(name, connector, services, core, listeners, forwarding),
    run: async () => {
      const [url = enrolled.url] = urls;
      log.info("agent starts", {
        version: VERSION,
        site: path,
        hub: enrolled.url,
        services: services.names.join(","),
      });
      log.info("way to the hub", { route: routeText(viewOf(routeTo(url))) });
      forwarding = await openForwarding(
        { notifications: own.notifications, dumps: own.dumps, outbox: config.outbox },
        {
          stateDir: folder,
          enrolled,
          hubKey: () => keys.hubKey,
          open: () => connector.open(OUTBOX, BULK),
          dial: dialTarget,
          clock,
          random,
          log,
        },
      ).catch((error: unknown) => {
        log.error("the outbox cannot be opened, and nothing is forwarded", { reason: reasonOf(error) });
        return undefined;
      });
      if (own.push_only) log.info("push-only: no stream from the hub is let in");
      else if (services.names.length === 0 && !forwarding) log.warn("no services are configured", { file });
      core?.start();
      forwarding?.start();
      const running = connector.run();
      await listeners.start();
      await running;
      await forwarding?.stop();
    },
    stop: () => {
      core?.stop();
      // the session first: a cut answer must reach its client as a reset, not as an end
      connector.stop();
      listeners.stop();
    },
  };
}

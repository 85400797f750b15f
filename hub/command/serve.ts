/** `farsite-hub serve`: wires the hub's parts, and runs it until it is told to stop. */

import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { Hono } from "hono";
import { systemClock } from "../../common/clock.ts";
import { type Places, withPlaces } from "../../common/command/index.ts";
import { loadConfig, loadToml, Reloader, switched } from "../../common/config/index.ts";
import { LIVESTATUS } from "../../common/core.ts";
import { systemDisk } from "../../common/disk.ts";
import { drain, HAND_OVER } from "../../common/drain.ts";
import { FarsiteError } from "../../common/errors.ts";
import { ensureDirectory } from "../../common/files.ts";
import { openLog } from "../../common/log.ts";
import { INTERACTIVE } from "../../common/mux/index.ts";
import { withUntold } from "../../common/notices.ts";
import { OUTBOX } from "../../common/outbox/index.ts";
import { systemRandom } from "../../common/random.ts";
import { onHangup, untilStopped } from "../../common/signals.ts";
import { notifySystemd, STOP_TIME } from "../../common/systemd.ts";
import { VERSION } from "../../common/version.ts";
import { Watchdog, watchdogLimit } from "../../common/watchdog.ts";
import { Central, dialTarget, openSender } from "../central/index.ts";
import { type HubConfig, hubConfig } from "../config.ts";
import { Endpoints, type EndpointsOptions, type SiteServer } from "../endpoint/index.ts";
import { lengthsOf, Recorder } from "../history/index.ts";
import { Hub } from "../hub.ts";
import { HubKeys, KeyRenewal } from "../keys/index.ts";
import { SiteStates, StateFile, trafficDetails } from "../livestatus/index.ts";
import { Handshakes } from "../metrics/index.ts";
import {
  type Actor,
  AgentKeys,
  AuditRetention,
  AuditWriter,
  CentralConnections,
  Enrolment,
  noteConfiguration,
  openStore,
  openTrail,
  parsePool,
  Registry,
  registryVital,
} from "../registry/index.ts";
import { SiteChanges } from "../site-changes.ts";
import { Strangers } from "../strangers.ts";
import { loadTls } from "../tls.ts";
import { Admission, listen, Probing, TunnelledSites, welcome } from "../tunnel/index.ts";
import { adminApp } from "../web/admin/index.ts";
import type { WebListener } from "../web/index.ts";
import { openAccess } from "./access.ts";
import { openAdminSocket } from "./admin-socket.ts";
import { ADMIN_SOCKET } from "./client.ts";
import { openFederation } from "./federation.ts";
import { openHttp } from "./http.ts";
import { openInbox } from "./inbox.ts";
import {
  admissionOf,
  admissionPart,
  certificatePart,
  READ_LIMITS,
  retentionOf,
  webCertificatePart,
} from "./live.ts";
import { openLivestatus } from "./livestatus.ts";
import { openMetrics } from "./metrics.ts";
import { openProblems } from "./problems.ts";
import { openViewers } from "./viewers.ts";
import { certificateFor, openWeb } from "./web.ts";

export function addServe(program: Command): void {
  withPlaces(program.command("serve").description("run the hub in the foreground"), "farsite-hub").action(
    (places: Places) => serve(places),
  );
}

/** In the state directory. */
export const REGISTRY_FILE = "registry.sqlite";
/** In the run directory. */
const STATE_FILE = "livestatus.state";
const DAY = 86_400_000;
/** ms for the last words to agents. */
const FAREWELL = 50;

async function serve(places: Places): Promise<void> {
  const load = (): HubConfig => loadConfig(places.config, hubConfig);
  const config = load();
  /** What counts now, as soon as it can be another one. */
  const current = () => reloader?.config ?? config;
  let reloader: Reloader<HubConfig> | undefined;
  const openOwnLog = ({ log: { level } }: HubConfig) => openLog("farsite-hub", level);
  const log = openOwnLog(config);
  const clock = systemClock;
  const random = systemRandom;
  const wall = () => clock.wall();

  ensureDirectory(places.stateDir, 0o700);
  ensureDirectory(places.runDir, 0o755);
  const keys = new HubKeys({ directory: places.stateDir, random, wall });
  let tls = await loadTls(config, places.stateDir);
  const store = await openStore(`sqlite:${join(places.stateDir, REGISTRY_FILE)}`);
  const audit = await openTrail({
    store,
    stateDir: places.stateDir,
    disk: systemDisk,
    random,
    log,
    wall,
  });
  await noteConfiguration(store, wall(), loadToml(places.config));
  const registry = new Registry({
    store,
    pool: parsePool(config.endpoints.pool),
    wall,
    keyLife: config.keys.agent_expire_days * DAY || undefined,
  });
  const agentKeys = new AgentKeys({ store, registry, wall });
  const retention = new AuditRetention({
    store,
    clock,
    log,
    ...retentionOf(config),
  });
  const enrolment = new Enrolment(store, registry, random, wall);
  const hold = config.limits.hold_seconds * 1000;
  const grace = config.limits.grace_seconds * 1000;
  const changes = new SiteChanges();
  const states = new SiteStates({
    clock,
    log,
    tunnel: (siteId) => sites.state(siteId),
    hold,
    grace,
    changed: (siteId) => {
      livestatus.changed(siteId);
      changes.changed(siteId);
    },
  });
  const recorder = new AuditWriter(registry, log);
  const recorded = (...record: Parameters<AuditWriter["record"]>) => recorder.record(...record);
  const refused = { central: 0, service: 0, viewer: 0 };
  const handshakes = new Handshakes();
  const strangers = new Strangers({ clock, recorder });
  const central = new Central({
    lines: config.central,
    pool: config.endpoints.pool,
    clock,
    log,
    dial: dialTarget,
    openSender,
    count: () => void refused.central++,
    refused: ({ tenant, site, line, reason, untold }) => {
      recorded("agent", "central.refuse", `${tenant}/${site}`, withUntold(`${line}; ${reason}`, untold));
    },
  });
  const sites = new TunnelledSites({
    clock,
    random,
    log,
    defer: setImmediate,
    session: { grace, deadAfter: config.limits.dead_seconds * 1000 },
    maxStreams: config.limits.streams,
    counted: new Set([...Object.keys(config.services), ...Object.keys(config.central), OUTBOX]),
    hold,
    changed: (siteId) => {
      states.update(siteId);
      changes.changed(siteId);
    },
    carriers: {
      came: (siteId, carrier) => history.came(siteId, carrier),
      went: (siteId, reason) => history.went(siteId, reason),
    },
    lost: (siteId) => void registry.seen(siteId).catch(() => log.warn("the registry cannot be written")),
    greeting: (site) => renewal.greeting(site),
    keyOffered: (site, key) => void renewal.offered(site, key),
    accept: (caller, stream) => {
      if (stream.service === OUTBOX) inbox.accept(caller.site, stream);
      else central.accept(caller, stream);
    },
  });
  const renewal = new KeyRenewal({
    keys,
    agentKeys,
    registry,
    sites,
    agentAge: config.keys.agent_days * DAY,
    hubAge: config.keys.hub_days * DAY,
    overlap: config.keys.overlap_days * DAY,
    clock,
    log,
  });
  const history = new Recorder({
    clock,
    sample: (siteId) => {
      const traffic = sites.traffic(siteId);
      return traffic && { ...traffic, rtt: sites.rtt(siteId) };
    },
    lengths: lengthsOf(config.history),
  });
  const unreachable = (siteId: number) => states.unreachable(siteId) ?? sites.unreachable(siteId);
  const leaving = (siteId: number) => sites.leaving(siteId);
  const packed = (service: string) => current().compress.includes(service);
  /** For who asks something new, whatever is under way already. */
  const openNew: EndpointsOptions["open"] = (siteId, ...stream) =>
    leaving(siteId) === undefined ? sites.open(siteId, ...stream) : undefined;
  const { livestatus, part: livestatusPart } = openLivestatus(config, {
    clock,
    log,
    open: (siteId) => sites.open(siteId, LIVESTATUS, INTERACTIVE, packed(LIVESTATUS)),
    unreachable,
    leaving,
    generation: (siteId) => states.generation(siteId),
    answered: (siteId, ms) => history.answered(siteId, ms),
    refused: ({ tenant, site, client, user, request, by, reason, untold }) => {
      const actor = { who: user ? `client ${user}` : "client", from: client };
      const detail = `${request}, refused by the ${by}: ${reason}`;
      recorded(actor, "livestatus.refuse", `${tenant}/${site}`, withUntold(detail, untold));
    },
    commanded: ({ tenant, site, client, user, request, untold }) => {
      const actor = { who: user ? `client ${user}` : "client", from: client };
      recorded(actor, "livestatus.command", `${tenant}/${site}`, withUntold(request, untold));
    },
  });
  const http = openHttp(config, {
    open: openNew,
    unreachable: (siteId) => sites.unreachable(siteId) ?? leaving(siteId),
    packed,
    clock,
    log,
  });
  const endpoints = new Endpoints({
    ports: config.services,
    packed,
    runDir: places.runDir,
    clock,
    log,
    served: new Map<string, SiteServer>([[LIVESTATUS, livestatus], ...http.served]),
    open: openNew,
    count: () => void refused.service++,
    refused: ({ tenant, name }, service, reason) =>
      recorded("agent", "service.refuse", `${tenant}/${name}`, `${service}; ${reason}`),
  });
  const stateFile = new StateFile({
    path: join(places.runDir, STATE_FILE),
    clock,
    log,
    records: () => states.records(),
    tunnel: (siteId) => sites.state(siteId),
    details: (site) => trafficDetails(livestatus.state(site), current().livestatus.channels),
  });
  const many = openFederation({
    config,
    stateDir: places.stateDir,
    runDir: places.runDir,
    livestatus,
    states,
    tunnel: (siteId) => sites.state(siteId),
    unreachable: (siteId) => unreachable(siteId) ?? leaving(siteId),
    clock,
    random,
    log,
  });
  const problems = openProblems(config, {
    federation: many.federation,
    unreachable,
    registry,
    clock,
    random,
    log,
  });
  const letters = openInbox(config, {
    stateDir: places.stateDir,
    keys,
    registry,
    recorder,
    clock,
    random,
    log,
  });
  const { inbox, refusals } = letters;
  const { viewers, part: viewersPart } = openViewers({
    config,
    stateDir: places.stateDir,
    livestatus,
    federation: many.federation,
    sites: many.sites,
    recorder,
    count: () => void refused.viewer++,
    clock,
    log,
  });
  await viewers.load();
  await letters.start();
  const observers = [
    many.sites,
    many.federation,
    many.views,
    central,
    http.syncs,
    inbox,
    problems,
    history,
    changes,
    refusals,
  ];
  const hub = new Hub({
    get config() {
      return current();
    },
    get tls() {
      return tls;
    },
    registry,
    enrolment,
    sites,
    states,
    traffic: (site) => livestatus.state(site),
    endpoints,
    central,
    observers,
    syncs: http.syncs,
    inbox,
    keys,
    agentKeys,
    renewal,
    log,
    wall,
  });
  const admission = new Admission({ clock, ...admissionOf(config) });
  const pages = new Hono().notFound((context) => context.text("Farsite\n", 404));

  const queries = (tenant?: string) => many.federation.view(tenant);
  const access = openAccess({
    web: config.web,
    hub,
    changes,
    queries,
    problems,
    history,
    views: many.views,
    viewers,
    store,
    record: recorded,
    clock,
    random,
    log,
  });
  const connections = new CentralConnections(store, registry, wall);
  let listener: ReturnType<typeof listen> | undefined;
  let web: WebListener | undefined;
  let webCertificate = config.web && certificateFor(config.web, tls);
  const running = new Reloader<HubConfig>({
    config,
    load,
    parts: [
      switched(["log"], (changed) => void openOwnLog(changed)),
      // read whenever they are needed
      switched(["url", "compress", ...READ_LIMITS], () => {}),
      admissionPart(admission),
      switched(["audit"], (changed) => retention.reconfigure(retentionOf(changed))),
      switched(["services"], ({ services }) => endpoints.reconfigure(services)),
      switched(["central"], (changed) => central.reconfigure(changed.central)),
      livestatusPart,
      http.part,
      many.part,
      letters.part,
      viewersPart,
      certificatePart(config, {
        stateDir: places.stateDir,
        present: () => tls,
        renew: async (next) => {
          tls = next;
          await listener?.renew(next);
        },
      }),
      webCertificatePart(config, {
        own: () => tls,
        present: () => webCertificate,
        renew: async (next) => {
          webCertificate = next;
          await web?.renew(next);
        },
      }),
    ],
    log,
  });
  reloader = running;
  const reload = async (actor: Actor | string) => {
    const report = await running.reload();
    const taken = [...report.changed, ...report.renewed];
    if (taken.length > 0) recorded(actor, "config.reload", "", taken.join(", "));
    await noteConfiguration(store, wall(), loadToml(places.config), actor);
    return report;
  };
  const observed = { problems, history };
  const reloads = { reload, check: () => running.check() };
  const answering = { queries, views: many.views, viewers };
  const app = adminApp(hub, answering, connections, access, observed, reloads);
  const admin = await openAdminSocket(join(places.runDir, ADMIN_SOCKET), app);
  const probing = new Probing({ clock, timeout: config.limits.handshake_seconds * 1000 });
  let offHangup = () => {};
  let watchdog: Watchdog | undefined;
  const metrics = openMetrics({
    config: config.metrics,
    sites: states,
    tunnels: sites,
    handshakes,
    admission,
    livestatus,
    inbox,
    endpoints,
    refused: () => ({ ...refused, inbox: refusals.count }),
    ...(config.web && { logins: () => access.logins }),
    store,
    recorder,
    tls: () => tls,
    listening: () => listener !== undefined,
    alive: () => watchdog?.alive ?? false,
    clock,
    log,
  });
  try {
    listener = listen({
      address: config.listen.address,
      port: config.listen.port,
      tls,
      clock,
      random,
      admission,
      welcome: (carrier) =>
        welcome(carrier, {
          keys,
          agentKeys,
          registry,
          enrolment,
          sites,
          probing,
          clock,
          random,
          log,
          timeout: config.limits.handshake_seconds * 1000,
          refused: (peer) => admission.refused(peer),
          concluded: (peer, refusal) => {
            handshakes.concluded(refusal?.code);
            if (refusal) strangers.refused(peer, refusal);
          },
          enrolled: (site) => {
            handshakes.enrolments++;
            states.know(site);
          },
        }),
      fetch: (request) => pages.fetch(request),
    });
    await hub.openEndpoints();
    if (config.web) {
      const services = Object.keys(config.services);
      web = await openWeb({
        web: config.web,
        certificate: webCertificate,
        access,
        services,
        metrics: metrics.metrics,
        health: metrics.health,
        clock,
        random,
        log,
      });
      log.info("web interface listening", { address: `${config.web.address}:${web.port}` });
    }
    stateFile.start();
    retention.start();
    renewal.start();
    history.start();
    many.views.start();
    viewers.start();
    metrics.start();
    const address = `${config.listen.address}:${listener.port}`;
    log.info("hub listening", { version: VERSION, address, tls: config.listen.tls });
    notifySystemd(log, { ready: true, status: `listening on ${address}` });
    const vitals = [registryVital(store)];
    watchdog = new Watchdog({
      limit: watchdogLimit(process.env),
      vitals: () => vitals,
      status: () => {
        const well = `listening on ${address}; connected agents: ${sites.connected().length}`;
        return running.failure === undefined ? well : `${well}; ${running.failure}`;
      },
      notify: (state) => notifySystemd(log, state),
      clock,
      log,
    });
    watchdog.start();
    // what is wrong with it is in the log and in the status
    offHangup = onHangup(() => void reload({ who: "signal", from: "SIGHUP" }).catch(() => {}));

    const signal = await untilStopped();
    offHangup();
    const within = current().limits.drain_seconds * 1000;
    log.info("hub stops", { signal });
    notifySystemd(log, { stopping: within + STOP_TIME });
    const served = http.served.map(([, service]) => service);
    const left = await drain(
      [endpoints, many.views, viewers, livestatus, many.federation, ...served, central],
      {
        clock,
        within,
        quiet: HAND_OVER,
        hurry: untilStopped(),
      },
    );
    if (left > 0) log.warn("connections are cut", { count: left, waited: within / 1000 });
    watchdog.stop();
  } finally {
    offHangup();
    // what follows is not the sites' doing
    access.close();
    states.close();
    await stateFile.stop();
    retention.stop();
    renewal.stop();
    history.stop();
    problems.close();
    // after a failed start, too: what still listens would keep the process alive
    // sessions first: a cut answer must reach its client as a reset, not as an end
    sites.endAll(new FarsiteError("E_SESSION_LOST", "the hub stops"), current().limits.return_seconds * 1000);
    viewers.close();
    endpoints.close();
    many.views.close();
    // what was said last must leave before the sockets are closed
    if (listener) await Bun.sleep(FAREWELL);
    await letters.stop();
    await admin.stop(true);
    rmSync(join(places.runDir, ADMIN_SOCKET), { force: true });
    await listener?.stop();
    await web?.stop();
    await metrics.stop();
    await store.close();
    await audit.settled();
  }
}

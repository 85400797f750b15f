/** `farsite-hub serve`: wires the hub's parts, and runs it until it is told to stop. */

import { chmodSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { Hono } from "hono";
import { systemClock } from "../../common/clock.ts";
import { type Places, withPlaces } from "../../common/command/index.ts";
import { loadConfig } from "../../common/config/index.ts";
import { LIVESTATUS } from "../../common/core.ts";
import { FarsiteError, reasonOf } from "../../common/errors.ts";
import { ensureDirectory } from "../../common/files.ts";
import { policyOf } from "../../common/livestatus/index.ts";
import { openLog } from "../../common/log.ts";
import { INTERACTIVE } from "../../common/mux/index.ts";
import { withUntold } from "../../common/notices.ts";
import { OUTBOX } from "../../common/outbox/index.ts";
import { systemRandom } from "../../common/random.ts";
import { untilStopped } from "../../common/signals.ts";
import { notifySystemd } from "../../common/systemd.ts";
import { VERSION } from "../../common/version.ts";
import { Watchdog, watchdogLimit } from "../../common/watchdog.ts";
import { Central, dialTarget, openSender } from "../central/index.ts";
import { type HubConfig, hubConfig } from "../config.ts";
import { Endpoints, type SiteServer } from "../endpoint/index.ts";
import { lengthsOf, Recorder } from "../history/index.ts";
import { Hub } from "../hub.ts";
import { HubKeys, KeyRenewal } from "../keys/index.ts";
import {
  Livestatus,
  type LivestatusOptions,
  SiteStates,
  StateFile,
  trafficDetails,
} from "../livestatus/index.ts";
import { policyFor } from "../policy.ts";
import {
  type Actor,
  AgentKeys,
  AuditRetention,
  CentralConnections,
  Enrolment,
  openStore,
  parsePool,
  Registry,
  registryVital,
} from "../registry/index.ts";
import { SiteChanges } from "../site-changes.ts";
import { loadTls } from "../tls.ts";
import { Admission, listen, Probing, TunnelledSites, welcome } from "../tunnel/index.ts";
import { adminApp } from "../web/admin/index.ts";
import type { WebListener } from "../web/index.ts";
import { openAccess } from "./access.ts";
import { ADMIN_SOCKET } from "./client.ts";
import { openFederation } from "./federation.ts";
import { openHttp } from "./http.ts";
import { openInbox } from "./inbox.ts";
import { openProblems } from "./problems.ts";
import { openViewers } from "./viewers.ts";
import { openWeb } from "./web.ts";

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
  const config = loadConfig(places.config, hubConfig);
  const log = openLog("farsite-hub", config.log.level);
  const clock = systemClock;
  const random = systemRandom;
  const wall = () => clock.wall();

  ensureDirectory(places.stateDir, 0o700);
  ensureDirectory(places.runDir, 0o755);
  const keys = new HubKeys({ directory: places.stateDir, random, wall });
  const tls = await loadTls(config, places.stateDir);
  const store = await openStore(`sqlite:${join(places.stateDir, REGISTRY_FILE)}`);
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
    rows: config.audit.keep_rows,
    age: config.audit.keep_days * DAY,
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
  const recorded = (actor: Actor | string, action: string, site: string, detail: string) =>
    void registry.record(actor, action, site, detail).catch(() => log.warn("the registry cannot be written"));
  const central = new Central({
    lines: config.central,
    pool: config.endpoints.pool,
    clock,
    log,
    dial: dialTarget,
    openSender,
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
  const packed = new Set(config.compress);
  const livestatus = openLivestatus(config, {
    clock,
    log,
    open: (siteId) => sites.open(siteId, LIVESTATUS, INTERACTIVE, packed.has(LIVESTATUS)),
    unreachable,
    generation: (siteId) => states.generation(siteId),
    answered: (siteId, ms) => history.answered(siteId, ms),
    refused: ({ tenant, site, client, user, request, by, reason, untold }) => {
      const actor = { who: user ? `client ${user}` : "client", from: client };
      const detail = `${request}, refused by the ${by}: ${reason}`;
      recorded(actor, "livestatus.refuse", `${tenant}/${site}`, withUntold(detail, untold));
    },
  });
  const { syncs, served } = openHttp(config, { sites, clock, log });
  const endpoints = new Endpoints({
    ports: config.services,
    runDir: places.runDir,
    clock,
    log,
    packed,
    served: new Map<string, SiteServer>([[LIVESTATUS, livestatus], ...served]),
    open: (siteId, service, priority, packed) => sites.open(siteId, service, priority, packed),
    refused: ({ tenant, name }, service, reason) =>
      recorded("agent", "service.refuse", `${tenant}/${name}`, `${service}; ${reason}`),
  });
  const stateFile = new StateFile({
    path: join(places.runDir, STATE_FILE),
    clock,
    log,
    records: () => states.records(),
    tunnel: (siteId) => sites.state(siteId),
    details: (site) => trafficDetails(livestatus.state(site), config.livestatus.channels),
  });
  const many = openFederation({
    config,
    stateDir: places.stateDir,
    runDir: places.runDir,
    livestatus,
    states,
    tunnel: (siteId) => sites.state(siteId),
    unreachable,
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
  const { inbox, dumps } = openInbox(config, {
    stateDir: places.stateDir,
    keys,
    registry,
    clock,
    random,
    log,
  });
  const viewers = openViewers({
    config,
    stateDir: places.stateDir,
    livestatus,
    federation: many.federation,
    sites: many.sites,
    registry,
    clock,
    log,
  });
  await viewers.load();
  const known = await registry.sites();
  await dumps.start(known.map(({ tenant, name }) => ({ tenant, site: name })));
  const observers = [
    many.sites,
    many.federation,
    many.views,
    central,
    syncs,
    inbox,
    problems,
    history,
    changes,
  ];
  const hub = new Hub({
    config,
    registry,
    enrolment,
    sites,
    states,
    traffic: (site) => livestatus.state(site),
    endpoints,
    central,
    observers,
    syncs,
    inbox,
    keys,
    agentKeys,
    renewal,
    tls,
    log,
    wall,
  });
  const admission = new Admission({
    clock,
    handshakes: config.limits.handshakes,
    handshakesPerAddress: config.limits.handshakes_per_address,
    refusalsPerMinute: config.limits.refusals_per_minute,
  });
  const pages = new Hono().notFound((context) => context.text("Farsite\n", 404));

  const queries = (tenant?: string) => many.federation.view(tenant);
  const access = openAccess({
    web: config.web,
    hub,
    changes,
    queries,
    problems,
    history,
    store,
    record: recorded,
    clock,
    random,
    log,
  });
  const connections = new CentralConnections(store, registry, wall);
  const app = adminApp(hub, { queries, views: many.views, viewers }, connections, access, {
    problems,
    history,
  });
  const admin = await openAdminSocket(join(places.runDir, ADMIN_SOCKET), app);
  const probing = new Probing({ clock, timeout: config.limits.handshake_seconds * 1000 });
  let listener: ReturnType<typeof listen> | undefined;
  let web: WebListener | undefined;
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
          enrolled: (site) => states.know(site),
        }),
      fetch: (request) => pages.fetch(request),
    });
    await hub.openEndpoints();
    if (config.web) {
      const services = Object.keys(config.services);
      web = await openWeb({ web: config.web, tls, access, services, clock, random, log });
      log.info("web interface listening", { address: `${config.web.address}:${web.port}` });
    }
    stateFile.start();
    retention.start();
    renewal.start();
    history.start();
    many.views.start();
    viewers.start();
    const address = `${config.listen.address}:${listener.port}`;
    log.info("hub listening", { version: VERSION, address, tls: config.listen.tls });
    notifySystemd(log, { ready: true, status: `listening on ${address}` });
    const watchdog = new Watchdog({
      limit: watchdogLimit(process.env),
      vitals: [registryVital(store)],
      status: () => `listening on ${address}; connected agents: ${sites.connected().length}`,
      notify: (state) => notifySystemd(log, state),
      clock,
      log,
    });
    watchdog.start();

    const signal = await untilStopped();
    watchdog.stop();
    log.info("hub stops", { signal });
  } finally {
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
    sites.endAll(new FarsiteError("E_SESSION_LOST", "the hub stops"), config.limits.return_seconds * 1000);
    viewers.close();
    endpoints.close();
    many.views.close();
    // what was said last must leave before the sockets are closed
    if (listener) await Bun.sleep(FAREWELL);
    await dumps.stop();
    await inbox.close();
    await admin.stop(true);
    rmSync(join(places.runDir, ADMIN_SOCKET), { force: true });
    await listener?.stop();
    await web?.stop();
    await store.close();
  }
}

type LivestatusParts = Omit<LivestatusOptions, "limits" | "cache" | "policy">;

function openLivestatus(hub: HubConfig, parts: LivestatusParts): Livestatus {
  const config = hub.livestatus;
  return new Livestatus({
    limits: {
      channels: config.channels,
      channelTimeout: config.channel_timeout_seconds * 1000,
      queryTimeout: config.query_timeout_seconds * 1000,
      requestTimeout: config.request_seconds * 1000,
      idleTimeout: config.idle_seconds * 1000,
      clients: config.clients,
    },
    cache: { entries: config.cache_entries, bytes: config.cache_mib * (1 << 20) },
    policy: (site) => policyOf(policyFor(hub, site)),
    ...parts,
  });
}

async function openAdminSocket(path: string, app: Hono): Promise<{ stop(force: boolean): Promise<void> }> {
  const alive = await fetch("http://hub/status", { unix: path }).then(
    () => true,
    () => false,
  );
  if (alive) {
    throw new FarsiteError("E_LISTEN", `another hub runs with ${path}`, "Stop it, or use another --run-dir.");
  }
  try {
    rmSync(path, { force: true });
    const server = Bun.serve({ unix: path, fetch: app.fetch });
    chmodSync(path, 0o600);
    return server;
  } catch (error) {
    throw new FarsiteError("E_LISTEN", `the admin socket ${path} cannot be opened: ${reasonOf(error)}`);
  }
}

/** The running hub: its parts are made, put together, started, and ended in order. */

import { rmSync } from "node:fs";
import { join } from "node:path";
import { Hono } from "hono";
import { systemClock } from "../../common/clock.ts";
import type { Places } from "../../common/command/index.ts";
import { loadConfig, Reloader, switched } from "../../common/config/index.ts";
import { drain, HAND_OVER } from "../../common/drain.ts";
import { FarsiteError } from "../../common/errors.ts";
import { ensureDirectory } from "../../common/files.ts";
import { openLog } from "../../common/log.ts";
import { systemRandom } from "../../common/random.ts";
import { onHangup, untilStopped } from "../../common/signals.ts";
import { notifySystemd, STOP_TIME } from "../../common/systemd.ts";
import { VERSION } from "../../common/version.ts";
import { Watchdog, watchdogLimit } from "../../common/watchdog.ts";
import { type HubConfig, hubConfig } from "../config/index.ts";
import { Hub } from "../hub.ts";
import { HubKeys } from "../keys/index.ts";
import { Handshakes } from "../metrics/index.ts";
import { type Actor, registryVital } from "../registry/index.ts";
import { Admission, listen, Probing, Strangers, welcome } from "../tunnel/index.ts";
import { ADMIN_SOCKET, adminApp } from "../web/admin/index.ts";
import type { WebListener } from "../web/index.ts";
import { openAccess } from "./access.ts";
import { openAdminSocket } from "./admin-socket.ts";
import { openAnswers } from "./answers.ts";
import { openCertificates } from "./certificates.ts";
import type { Ground } from "./ground.ts";
import { admissionOf, admissionPart, READ_LIMITS, retentionOf } from "./live.ts";
import { openMetrics } from "./metrics.ts";
import { openRecords } from "./records.ts";
import { openTunnels } from "./tunnels.ts";
import { openWeb } from "./web.ts";

/** ms for the last words to agents. */
const FAREWELL = 50;

/** Runs a hub until it is told to stop. Throws what keeps it from starting. */
export async function serve(places: Places): Promise<void> {
  const load = (): HubConfig => loadConfig(places.config, hubConfig);
  const config = load();
  let reloader: Reloader<HubConfig> | undefined;
  const openOwnLog = ({ log: { level } }: HubConfig) => openLog("farsite-hub", level);
  const [clock, random, log] = [systemClock, systemRandom, openOwnLog(config)];
  const current = () => reloader?.config ?? config;
  const ground: Ground = { places, config, current, clock, random, log };

  ensureDirectory(places.stateDir, 0o700);
  ensureDirectory(places.runDir, 0o755);
  const keys = new HubKeys({ directory: places.stateDir, random, wall: () => clock.wall() });
  let listener: ReturnType<typeof listen> | undefined;
  let web: WebListener | undefined;
  const certificates = await openCertificates(ground, { agents: () => listener, web: () => web });
  const records = await openRecords(ground, keys);
  const { store, registry, agentKeys, enrolment, recorder, retention } = records;
  await records.noteConfiguration();
  const tunnels = openTunnels(ground, records, {
    changed: (siteId) => answers.livestatus.changed(siteId),
    outbox: (site, stream) => answers.letters.inbox.accept(site, stream),
  });
  const { sites, states, changes, history, renewal, central } = tunnels;
  const answers = openAnswers(ground, records, tunnels);
  const { endpoints, livestatus, stateFile, queries, views, viewers, problems, letters } = answers;
  await viewers.load();
  await letters.start();
  const hub = new Hub({
    get config() {
      return current();
    },
    get tls() {
      return certificates.tls;
    },
    registry,
    enrolment,
    sites,
    states,
    traffic: (site) => livestatus.state(site),
    endpoints,
    central,
    observers: [...answers.observers, central, history, changes],
    syncs: answers.syncs,
    inbox: letters.inbox,
    keys,
    agentKeys,
    renewal,
    log,
    wall: () => clock.wall(),
  });
  const access = openAccess({
    web: config.web,
    hub,
    changes,
    queries,
    problems,
    history,
    views,
    viewers,
    store,
    record: (...record) => recorder.record(...record),
    clock,
    random,
    log,
  });
  const admission = new Admission({ clock, ...admissionOf(config) });
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
      ...answers.parts,
      ...certificates.parts,
    ],
    log,
  });
  reloader = running;
  const reload = async (actor: Actor | string) => {
    const report = await running.reload();
    const taken = [...report.changed, ...report.renewed];
    if (taken.length > 0) recorder.record(actor, "config.reload", "", taken.join(", "));
    await records.noteConfiguration(actor);
    return report;
  };
  const app = adminApp(
    hub,
    { queries, views, viewers },
    records.connections,
    access,
    { problems, history },
    { reload, check: () => running.check() },
  );
  const admin = await openAdminSocket(join(places.runDir, ADMIN_SOCKET), app);

  const handshakes = new Handshakes();
  const strangers = new Strangers({ clock, recorder });
  let watchdog: Watchdog | undefined;
  const metrics = openMetrics({
    config: config.metrics,
    sites: states,
    tunnels: sites,
    handshakes,
    admission,
    livestatus,
    inbox: letters.inbox,
    endpoints,
    refused: () => ({
      ...answers.refused,
      central: tunnels.refused(),
      inbox: letters.refusals.count,
    }),
    ...(config.web && { logins: () => access.logins }),
    store,
    recorder,
    tls: () => certificates.tls,
    listening: () => listener !== undefined,
    alive: () => watchdog?.alive ?? false,
    clock,
    log,
  });
  const timeout = config.limits.handshake_seconds * 1000;
  const probing = new Probing({ clock, timeout });
  const pages = new Hono().notFound((context) => context.text("Farsite\n", 404));
  let offHangup = () => {};
  try {
    listener = listen({
      address: config.listen.address,
      port: config.listen.port,
      tls: certificates.tls,
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
          timeout,
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
      web = await openWeb({
        web: config.web,
        certificate: certificates.web,
        access,
        services: Object.keys(config.services),
        metrics: metrics.metrics,
        health: metrics.health,
        clock,
        random,
        log,
      });
      log.info("web interface listening", { address: `${config.web.address}:${web.port}` });
    }
    for (const part of [stateFile, retention, renewal, history, views, viewers, metrics]) part.start();
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
    const hurry = untilStopped();
    const left = await drain([...answers.draining, central], { clock, within, quiet: HAND_OVER, hurry });
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
    views.close();
    // what was said last must leave before the sockets are closed
    if (listener) await Bun.sleep(FAREWELL);
    await letters.stop();
    await admin.stop(true);
    rmSync(join(places.runDir, ADMIN_SOCKET), { force: true });
    await listener?.stop();
    await web?.stop();
    await metrics.stop();
    await records.close();
  }
}

/** `farsite-hub serve`: wires the hub's parts, and runs it until it is told to stop. */

import { chmodSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { Hono } from "hono";
import { systemClock } from "../../common/clock.ts";
import { type Places, withPlaces } from "../../common/command/index.ts";
import { loadConfig } from "../../common/config/index.ts";
import { FarsiteError, reasonOf } from "../../common/errors.ts";
import { ensureDirectory } from "../../common/files.ts";
import { loadOrMakeIdentity } from "../../common/identity.ts";
import { openLog } from "../../common/log.ts";
import { systemRandom } from "../../common/random.ts";
import { untilStopped } from "../../common/signals.ts";
import { notifySystemd } from "../../common/systemd.ts";
import { VERSION } from "../../common/version.ts";
import { hubConfig } from "../config.ts";
import { Endpoints } from "../endpoint/index.ts";
import { Hub } from "../hub.ts";
import { Enrolment, openStore, parsePool, Registry } from "../registry/index.ts";
import { loadTls } from "../tls.ts";
import { Admission, listen, TunnelledSites, welcome } from "../tunnel/index.ts";
import { adminApp } from "../web/index.ts";
import { ADMIN_SOCKET } from "./client.ts";

export function addServe(program: Command): void {
  withPlaces(program.command("serve").description("run the hub in the foreground"), "farsite-hub").action(
    (places: Places) => serve(places),
  );
}

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
  const identity = loadOrMakeIdentity(join(places.stateDir, "hub.key"), random);
  const tls = await loadTls(config, places.stateDir);
  const store = await openStore(`sqlite:${join(places.stateDir, "registry.sqlite")}`);
  const registry = new Registry({ store, pool: parsePool(config.endpoints.pool), wall });
  const enrolment = new Enrolment(store, registry, random, wall);
  const sites = new TunnelledSites({
    clock,
    random,
    log,
    defer: setImmediate,
    session: { grace: config.limits.grace_seconds * 1000, deadAfter: config.limits.dead_seconds * 1000 },
    maxStreams: config.limits.streams,
    hold: config.limits.hold_seconds * 1000,
    lost: (siteId) => void registry.seen(siteId).catch(() => log.warn("the registry cannot be written")),
  });
  const endpoints = new Endpoints({
    ports: config.services,
    runDir: places.runDir,
    clock,
    log,
    packed: new Set(config.compress),
    open: (siteId, service, priority, packed) => sites.open(siteId, service, priority, packed),
  });
  const hub = new Hub({ config, registry, enrolment, sites, endpoints, identity, tls, log, wall });
  const admission = new Admission({
    clock,
    handshakes: config.limits.handshakes,
    handshakesPerAddress: config.limits.handshakes_per_address,
    refusalsPerMinute: config.limits.refusals_per_minute,
  });
  const pages = new Hono().notFound((context) => context.text("Farsite\n", 404));

  const admin = await openAdminSocket(join(places.runDir, ADMIN_SOCKET), adminApp(hub));
  let listener: ReturnType<typeof listen> | undefined;
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
          identity,
          registry,
          enrolment,
          sites,
          clock,
          random,
          log,
          timeout: config.limits.handshake_seconds * 1000,
          refused: (peer) => admission.refused(peer),
        }),
      fetch: (request) => pages.fetch(request),
    });
    await hub.openEndpoints();
    const address = `${config.listen.address}:${listener.port}`;
    log.info("hub listening", { version: VERSION, address, tls: config.listen.tls });
    notifySystemd(log, { ready: true, status: `listening on ${address}` });

    const signal = await untilStopped();
    log.info("hub stops", { signal });
  } finally {
    // after a failed start, too: what still listens would keep the process alive
    // sessions first: a cut answer must reach its client as a reset, not as an end
    sites.endAll(new FarsiteError("E_SESSION_LOST", "the hub stops"), config.limits.return_seconds * 1000);
    endpoints.close();
    // what was said last must leave before the sockets are closed
    if (listener) await Bun.sleep(FAREWELL);
    await admin.stop(true);
    rmSync(join(places.runDir, ADMIN_SOCKET), { force: true });
    await listener?.stop();
    await store.close();
  }
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

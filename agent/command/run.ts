/** `farsite-agent run`: wires the agent's parts, and runs it until it is told to stop. */

import { networkInterfaces } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { systemClock } from "../../common/clock.ts";
import { type Places, withPlaces } from "../../common/command/index.ts";
import { loadConfig } from "../../common/config/index.ts";
import { LIVESTATUS } from "../../common/core.ts";
import { ensureDirectory } from "../../common/files.ts";
import { policyOf, restricts } from "../../common/livestatus/index.ts";
import { openLog } from "../../common/log.ts";
import { systemRandom } from "../../common/random.ts";
import { untilStopped } from "../../common/signals.ts";
import { notifySystemd } from "../../common/systemd.ts";
import { VERSION } from "../../common/version.ts";
import { agentConfig } from "../config.ts";
import { CoreWatch, listensAt, secure } from "../core/index.ts";
import { Listeners } from "../listen/index.ts";
import { routesFrom, routeText, viewOf } from "../route/index.ts";
import { dialTarget, Services } from "../service/index.ts";
import { readEnrolled } from "../state.ts";
import { openStatusSocket, STATUS_SOCKET } from "../status.ts";
import { Connector } from "../tunnel/index.ts";
import { wayOut } from "./way-out.ts";

export function addRun(program: Command): void {
  withPlaces(program.command("run").description("run the agent in the foreground"), "farsite-agent").action(
    (places: Places) => run(places),
  );
}

async function run(places: Places): Promise<void> {
  const config = loadConfig(places.config, agentConfig);
  const log = openLog("farsite-agent", config.log.level);
  const enrolled = readEnrolled(places.stateDir);
  ensureDirectory(places.runDir, 0o755);
  const clock = systemClock;
  const targets = new Map(Object.entries(config.services).map(([name, target]) => [name, target.address]));
  const services = new Services({
    targets,
    dial: dialTarget,
    clock,
    connectTimeout: config.limits.connect_seconds * 1000,
    log,
    livestatus: restricts(config.livestatus) ? policyOf(config.livestatus) : undefined,
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
      interval: config.probe.interval_seconds * 1000,
      timeout: config.probe.timeout_seconds * 1000,
      clock,
      random: systemRandom,
      log,
      changed: () => connector.tellCore(),
    });
  const listeners = new Listeners({
    lines: config.listen,
    open: (line, priority) => connector.open(line, priority),
    clients: config.limits.clients,
    queue: { datagrams: config.limits.queue_datagrams, bytes: config.limits.queue_mib * (1 << 20) },
    clock,
    log,
  });
  const routeTo = routesFrom(config.proxy, process.env);
  const { carriers } = wayOut({ config, routeTo, certificate: enrolled.certificate, log });
  const connector = new Connector({
    enrolled,
    services,
    listens: listeners.kinds,
    hold: config.limits.hold_seconds * 1000,
    core: () => core?.report,
    carriers,
    route: (url) => viewOf(routeTo(url)),
    clock,
    random: systemRandom,
    log,
    defer: setImmediate,
    session: { grace: config.limits.grace_seconds * 1000, deadAfter: config.limits.dead_seconds * 1000 },
    maxStreams: config.limits.streams,
    timeout: config.limits.handshake_seconds * 1000,
    urls: config.hub.urls ?? [enrolled.url],
    maxAge: config.carrier.max_age_seconds && config.carrier.max_age_seconds * 1000,
    network: () => JSON.stringify(networkInterfaces()),
  });
  const status = await openStatusSocket(
    join(places.runDir, STATUS_SOCKET),
    connector,
    services,
    core,
    listeners,
  );
  const site = `${enrolled.tenant}/${enrolled.site}`;
  log.info("agent starts", { version: VERSION, site, hub: enrolled.url, services: services.names.join(",") });
  const [url = enrolled.url] = config.hub.urls ?? [];
  log.info("way to the hub", { route: routeText(viewOf(routeTo(url))) });
  if (services.names.length === 0) log.warn("no services are configured", { file: places.config });
  notifySystemd(log, { ready: true, status: `agent of ${site}` });

  core?.start();
  const running = connector.run();
  await listeners.start();
  const signal = await untilStopped();
  log.info("agent stops", { signal });
  core?.stop();
  // the session first: a cut answer must reach its client as a reset, not as an end
  connector.stop();
  listeners.stop();
  await running;
  await status.stop();
}

/** `farsite-agent run`: wires the agent's parts, and runs it until it is told to stop. */

import { join } from "node:path";
import type { Command } from "commander";
import { systemClock } from "../../common/clock.ts";
import { type Places, withPlaces } from "../../common/command/index.ts";
import { loadConfig, Reloader, switched } from "../../common/config/index.ts";
import { drain } from "../../common/drain.ts";
import { ensureDirectory } from "../../common/files.ts";
import { openLog } from "../../common/log.ts";
import { onHangup, untilStopped } from "../../common/signals.ts";
import { notifySystemd, STOP_TIME } from "../../common/systemd.ts";
import { Watchdog, watchdogLimit } from "../../common/watchdog.ts";
import { type AgentConfig, agentConfig } from "../config.ts";
import { openStatusSocket, STATUS_SOCKET } from "../status.ts";
import { Sites } from "./sites.ts";

export function addRun(program: Command): void {
  withPlaces(program.command("run").description("run the agent in the foreground"), "farsite-agent").action(
    (places: Places) => run(places),
  );
}

/** ms without a stream after which the hub is taken to know that nothing new should come. */
const QUIET = 500;

async function run(places: Places): Promise<void> {
  const load = (): AgentConfig => loadConfig(places.config, agentConfig);
  const config = load();
  const openOwnLog = ({ log: { level } }: AgentConfig) => openLog("farsite-agent", level);
  const log = openOwnLog(config);
  ensureDirectory(places.runDir, 0o755);
  const sites = new Sites(config, { stateDir: places.stateDir, file: places.config, log });
  const reloader = new Reloader<AgentConfig>({
    config,
    load,
    parts: [
      switched(["log"], (changed) => void openOwnLog(changed)),
      switched(["limits.drain_seconds"], () => {}),
      sites,
    ],
    log,
  });
  const status = await openStatusSocket(join(places.runDir, STATUS_SOCKET), sites, reloader);
  const line = () => [...sites.all.map((site) => site.line()), reloader.failure].filter(Boolean).join("; ");
  notifySystemd(log, { ready: true, status: `agent of ${sites.all.map(({ path }) => path).join(", ")}` });

  const watchdog = new Watchdog({
    limit: watchdogLimit(process.env),
    vitals: () => sites.all.map(({ vital }) => vital),
    status: line,
    notify: (state) => notifySystemd(log, state),
    clock: systemClock,
    log,
  });
  // what is wrong with it is in the log and in the status
  const offHangup = onHangup(() => void reloader.reload().catch(() => {}));
  sites.start();
  watchdog.start();

  const signal = await untilStopped();
  offHangup();
  const within = reloader.config.limits.drain_seconds * 1000;
  log.info("agent stops", { signal });
  notifySystemd(log, { stopping: within + STOP_TIME });
  const connected = sites.all.some((site) => site.status().state === "connected");
  const left = await drain([sites], {
    clock: systemClock,
    within,
    quiet: connected ? QUIET : 0,
    hurry: untilStopped(),
  });
  if (left > 0) log.warn("connections are cut", { count: left, waited: within / 1000 });
  watchdog.stop();
  await sites.stop();
  await status.stop();
}

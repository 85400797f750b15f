/** `farsite-agent run`: wires the agent's parts, and runs it until it is told to stop. */

import { join } from "node:path";
import type { Command } from "commander";
import { systemClock } from "../../common/clock.ts";
import { type Places, withPlaces } from "../../common/command/index.ts";
import { loadConfig } from "../../common/config/index.ts";
import { ensureDirectory } from "../../common/files.ts";
import { openLog } from "../../common/log.ts";
import { untilStopped } from "../../common/signals.ts";
import { notifySystemd } from "../../common/systemd.ts";
import { Watchdog, watchdogLimit } from "../../common/watchdog.ts";
import { agentConfig } from "../config.ts";
import { assign, readEnrolments, unassigned } from "../enrolment/index.ts";
import { routesFrom } from "../route/index.ts";
import { openStatusSocket, STATUS_SOCKET } from "../status.ts";
import { openSite } from "./site.ts";

export function addRun(program: Command): void {
  withPlaces(program.command("run").description("run the agent in the foreground"), "farsite-agent").action(
    (places: Places) => run(places),
  );
}

async function run(places: Places): Promise<void> {
  const config = loadConfig(places.config, agentConfig);
  const log = openLog("farsite-agent", config.log.level);
  const { enrolments, damaged } = readEnrolments(places.stateDir);
  const assigned = assign(config, enrolments);
  ensureDirectory(places.runDir, 0o755);
  const shared = { config, file: places.config, routeTo: routesFrom(config.proxy, process.env) };
  // where there is one only, its name on every line would say nothing
  const sites = assigned.map((each) =>
    openSite(each, shared, assigned.length > 1 ? log.with({ name: each.name }) : log),
  );
  const status = await openStatusSocket(join(places.runDir, STATUS_SOCKET), sites, damaged);
  for (const { code, message, hint } of damaged) log.error(message, { code, do: hint });
  for (const name of unassigned(config, enrolments)) {
    log.warn("agent.toml names a site for which this agent is not enrolled", { name, file: places.config });
  }
  notifySystemd(log, { ready: true, status: `agent of ${sites.map(({ path }) => path).join(", ")}` });

  const watchdog = new Watchdog({
    limit: watchdogLimit(process.env),
    vitals: sites.map(({ vital }) => vital),
    status: () => sites.map((site) => site.line()).join("; "),
    notify: (state) => notifySystemd(log, state),
    clock: systemClock,
    log,
  });

  const running = sites.map((site) => site.run());
  watchdog.start();
  const signal = await untilStopped();
  watchdog.stop();
  log.info("agent stops", { signal });
  for (const site of sites) site.stop();
  await Promise.all(running);
  await status.stop();
}

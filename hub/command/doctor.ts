/** `farsite-hub doctor`: what the hub needs of its host, and whether it has it. */
import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { systemClock } from "../../common/clock.ts";
import { type Places, printJson, printLine, withPlaces } from "../../common/command/index.ts";
import { loadConfig } from "../../common/config/index.ts";
import { failed, findingLines, summaryOf } from "../../common/finding.ts";
import { VERSION } from "../../common/version.ts";
import { type HubConfig, hubConfig } from "../config/index.ts";
import {
  agentsClock,
  centralFindings,
  certificateFinding,
  diskFinding,
  exitStatus,
  type Finding,
  limitsFinding,
  listenerFinding,
  listeningFindings,
  ok,
  poolFinding,
  presentedAt,
  registryFindings,
  runFinding,
  skipped,
  stateFinding,
  warning,
} from "../doctor/index.ts";
import type { EndpointState, ViewState } from "../endpoint/index.ts";
import type { HubStatus } from "../hub.ts";
import { REGISTRY_FILE } from "../serve/index.ts";
import type { ViewerState } from "../viewer/index.ts";
import { askHub } from "./client.ts";

export function addDoctor(program: Command): void {
  withPlaces(program.command("doctor"), "farsite-hub")
    .description("look at the hub's files, certificate, addresses and limits, and at what it connects to")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      "\nExit status: 0 all well, 1 failed, 2 wrong usage; else what failed first: 20 configuration or files, 21 disk,\n" +
        "22 registry, 23 clock, 24 certificate, 25 the hub, 26 its port, 27 pool or endpoints, 28 viewers, 29 central\n" +
        "targets, 30 limits.",
    )
    .action((options: Places & { json?: boolean }) => doctor(options));
}

async function doctor(options: Places & { json?: boolean }): Promise<void> {
  const time = new Date().toISOString();
  if (!options.json) printLine(`farsite-hub ${VERSION} on ${hostname()}, ${time}`);
  const findings: Finding[] = [];
  for await (const finding of examine(options)) {
    findings.push(finding);
    if (!options.json) for (const line of findingLines(finding)) printLine(line);
  }
  const exit = exitStatus(findings);
  process.exitCode = exit;
  if (options.json) return printJson({ version: VERSION, host: hostname(), time, exit, findings });
  printLine("");
  printLine(summaryOf(findings));
}

async function* examine(places: Places): AsyncGenerator<Finding> {
  let config: HubConfig;
  try {
    config = loadConfig(places.config, hubConfig);
  } catch (error) {
    yield failed("configuration", error);
    yield skipped("hub", "nothing else can be known without a configuration that is right");
    return;
  }
  yield ok("configuration", `${places.config} is as it should be`);
  const now = systemClock.wall();
  yield stateFinding(places.stateDir);
  yield runFinding(places.runDir);
  yield diskFinding(places.stateDir);
  const registry = join(places.stateDir, REGISTRY_FILE);
  const kept = existsSync(registry) ? registryFindings(registry, now) : [];
  yield* kept;
  if (kept.length === 0) yield skipped("registry", "none yet: the hub makes it at its first start");
  const status = await askHub<HubStatus>(places, "GET", "/status").catch(() => undefined);
  const clock = status && agentsClock(status);
  if (clock) yield clock;
  const { address, port } = config.listen;
  // "any address" is not one to connect to
  const own = { "0.0.0.0": "127.0.0.1", "::": "::1" }[address] ?? address;
  const presented =
    status && config.listen.tls !== "off" ? await presentedAt(own, port, systemClock) : undefined;
  yield await certificateFinding(config, places.stateDir, now, presented);
  if (status) {
    yield ok(
      "hub",
      `release ${status.hub.version} runs, ${status.hub.connected} of ${status.hub.sites} sites connected`,
    );
    if (presented && presented.fingerprint === undefined) {
      yield { step: "listener", state: "problem", code: "E_LISTEN", says: `no TLS at ${own} port ${port}` };
    } else yield ok("listener", `${address} port ${port} answers`);
  } else {
    yield warning("hub", `no hub answers in ${places.runDir}`, {
      do: "systemctl start farsite-hub, or name its --run-dir; all else is looked at without it.",
    });
    yield await listenerFinding(address, port);
  }
  const known = Number(kept.find(({ step }) => step === "registry")?.figures?.sites ?? 0);
  yield await poolFinding(config.endpoints.pool, status?.hub.sites ?? known);
  if (status) yield* await running(places, config, status);
  yield* await centralFindings(config.central, systemClock);
}

async function running(places: Places, config: HubConfig, status: HubStatus): Promise<Finding[]> {
  const [sites, views, viewers] = await Promise.all([
    askHub<EndpointState[]>(places, "GET", "/endpoints"),
    askHub<ViewState[]>(places, "GET", "/views"),
    askHub<ViewerState[]>(places, "GET", "/viewers"),
  ]);
  const { handshakes, streams } = config.limits;
  const wants = { endpoints: sites.length, sites: status.hub.sites, handshakes, streams };
  return [
    ...listeningFindings("endpoint", [...sites, ...views]),
    ...listeningFindings("viewer", viewers),
    limitsFinding(status.hub.files, wants),
  ];
}

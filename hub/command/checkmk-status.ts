/** `farsite-hub checkmk status-hosts` and `status-host`: states of sites for a central site's status hosts. */

import { join } from "node:path";
import type { Command } from "commander";
import { type Clock, systemClock, type Timer } from "../../common/clock.ts";
import { type Places, printJson, printLine, withPlaces } from "../../common/command/index.ts";
import { LIVESTATUS } from "../../common/core.ts";
import { FarsiteError, renderError } from "../../common/errors.ts";
import { tenantName } from "../../common/names.ts";
import { untilStopped } from "../../common/signals.ts";
import {
  askSites,
  type CoreAddress,
  deliver,
  exitCode,
  expand,
  hostResult,
  hostState,
  parseCoreAddress,
  type SiteStatus,
  withoutUnreachable,
} from "../checkmk/index.ts";
import { parseSitePath } from "../registry/index.ts";
import { DEFAULT_STATUS_HOST } from "./checkmk-connections.ts";

interface FeedOptions extends Places {
  tenant?: string;
  host: string;
  to?: string;
  every?: string;
  unreachable: boolean;
  json?: boolean;
}

/** Of a plugin that cannot say how it is. */
const EXIT_UNKNOWN = 3;

/** Seconds between two rounds. */
const SHORTEST = 1;
const LONGEST = 3_600;

export function addStatusHosts(checkmk: Command): void {
  withPlaces(checkmk.command("status-hosts"), "farsite-hub")
    .description("give the states of sites as passive check results of hosts")
    .option("--tenant <tenant>", "the sites of one tenant; default all")
    .option("--host <template>", "the host of each site", DEFAULT_STATUS_HOST)
    .option("--to <core>", "unix:PATH or tcp:HOST:PORT (Livestatus), or pipe:PATH; default standard output")
    .option("--every <seconds>", "again and again, until it is stopped")
    .option("--no-unreachable", "give DOWN for UNREACHABLE, which Icinga 2 does not take")
    .option("--json", "print JSON")
    .action(feed);

  withPlaces(checkmk.command("status-host <tenant/site>"), "farsite-hub")
    .description("check a site as a plugin: exit 0 up, 2 down or unreachable, 3 the hub does not say")
    .action(check);
}

async function feed(options: FeedOptions): Promise<void> {
  const { host, to, every } = options;
  const path = endpointOf(options, options.tenant);
  const core = to === undefined ? undefined : parseCoreAddress(to);
  expand(host, { tenant: "t", site: "s" });
  const round = async () => give(await askSites(path), core, options);
  if (every === undefined) return round();
  const seconds = Number(every);
  if (!(seconds >= SHORTEST && seconds <= LONGEST)) {
    throw new FarsiteError(
      "E_USAGE",
      `--every ${every}: a number from ${SHORTEST} to ${LONGEST} is expected`,
    );
  }
  await repeat(round, seconds * 1000, systemClock);
}

async function give(sites: SiteStatus[], core: CoreAddress | undefined, options: FeedOptions): Promise<void> {
  const at = Math.floor(Date.now() / 1000);
  const stateOf = (site: SiteStatus) =>
    options.unreachable ? hostState(site) : withoutUnreachable(hostState(site));
  const hosts = sites.map((site) => ({ ...site, host: expand(options.host, site), ...stateOf(site) }));
  const results = hosts.map(({ host, word, output }) => hostResult(host, { word, output }, at));
  if (core) await deliver(core, results);
  if (options.json) {
    printJson(
      hosts.map(({ tenant, site, host, state, word, output }) => ({
        tenant,
        site,
        host,
        state,
        word,
        output,
      })),
    );
  } else if (!core) for (const result of results) printLine(result);
}

/** A failure is told once, until it is another one or over: the hub or the core may be restarted meanwhile. */
async function repeat(round: () => Promise<void>, interval: number, clock: Clock): Promise<void> {
  let stopped = false;
  const stop = untilStopped().then(() => {
    stopped = true;
  });
  let told = "";
  while (!stopped) {
    const failure = await round().then(
      () => "",
      (error: unknown) => renderError("farsite-hub", error),
    );
    if (failure !== told) process.stderr.write(`${failure || "farsite-hub: results are given again"}\n`);
    told = failure;
    let timer: Timer | undefined;
    const next = new Promise<void>((resolve) => {
      timer = clock.after(interval, resolve);
    });
    await Promise.race([stop, next]);
    // it would keep the process
    timer?.cancel();
  }
}

async function check(path: string, places: Places): Promise<void> {
  try {
    const { tenant, site } = parseSitePath(path);
    const found = (await askSites(endpointOf(places, tenant))).find((each) => each.site === site);
    if (!found) throw new FarsiteError("E_NOT_FOUND", `there is no site ${path}`);
    const state = hostState(found);
    printLine(`${state.word} - ${state.output}`);
    process.exitCode = exitCode(state);
  } catch (error) {
    if (!(error instanceof FarsiteError)) throw error;
    // to a core, what a plugin prints is what people see
    printLine(`UNKNOWN - ${error.message} [${error.code}]`);
    process.exitCode = EXIT_UNKNOWN;
  }
}

/** The Unix socket of the endpoint over a tenant's sites, or over all. @throws E_NAME */
function endpointOf({ runDir }: Places, tenant: string | undefined): string {
  if (tenant === undefined) return join(runDir, `${LIVESTATUS}.sock`);
  if (tenantName.safeParse(tenant).success) return join(runDir, tenant, `${LIVESTATUS}.sock`);
  throw new FarsiteError("E_NAME", `not a tenant name: ${tenant}`);
}

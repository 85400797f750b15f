/**
 * The demonstration (`npm run demo`): two customers whose sites have the same ID and the same addresses, each
 * behind a firewall that lets nothing in, with real Icinga 2 cores; and a hub that reaches both.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { renderError } from "../../common/errors.ts";
import { Cleanup, scratchDirectory } from "../lab/cleanup.ts";
import { ensurePackages } from "../lab/debian.ts";
import { ICINGA_PACKAGES, makeIcingaSite, settled, startIcinga } from "../lab/icinga.ts";
import { launch, waitFor } from "../lab/process.ts";
import { type DemoOptions, readOptions } from "./options.ts";
import { Program } from "./programs.ts";
import { problemLine, say, sideBySide, step } from "./show.ts";
import { type Firewall, type Stage, setStage } from "./stage.ts";

const TENANTS = ["acme", "globex"] as const;
const SITE = "main";
const QUERY = fileURLToPath(new URL("query.ts", import.meta.url));

interface Shown {
  tenant: string;
  site: string;
  address: string;
  core: string;
  hosts: number;
  services: number;
  firewall: Firewall;
}

interface Endpoint {
  tenant: string;
  service: string;
  address: string;
  port: number;
  socket: string;
}

async function demonstrate(options: DemoOptions, cleanup: Cleanup): Promise<void> {
  const missing = await ensurePackages(ICINGA_PACKAGES, { why: "the customers' monitoring cores" });
  if (missing.length > 0) throw new Error(`${missing.join(", ")} must be installed, which only root can do`);
  const directory = scratchDirectory(cleanup, "demo");
  const stage = await setStage(TENANTS, cleanup);
  if (stage.lacking) say(`Note: ${stage.lacking}.`);

  step(
    `1. Two customers, ${TENANTS.join(" and ")}: the same site ID "${SITE}"${stage.isolation === "netns" ? ", the same 10.0.0.0/24" : ""}`,
  );
  await Promise.all(TENANTS.map((tenant) => startCore(tenant, directory, stage, options, cleanup)));

  step(`2. A hub at wss://${stage.hub.address}:${stage.hub.port}, with its registry in SQLite`);
  const hub = new Program("hub", join(directory, "hub"), stage.netns("hub"), cleanup);
  const { address, port } = stage.hub;
  hub.configure(
    `url = "wss://${address}:${port}"\n\n[listen]\naddress = "${address}"\nport = ${port}\n\n${stage.hub.endpoints}`,
  );
  await hub.start("serve");

  step("3. Each agent is enrolled with a one-time token and opens one outbound connection");
  for (const tenant of TENANTS) await enrolAgent(tenant, directory, stage, hub, cleanup);
  await waitFor("both agents to be connected", async () => (await connected(hub)) === TENANTS.length, {
    withinMs: 30_000,
    everyMs: 100,
  });
  say(await hub.ask("status"));

  step("4. What the central site sees: one local address per site, with the usual ports");
  const endpoints = await hub.askJson<Endpoint[]>("endpoints");
  say(await hub.ask("endpoints"));

  step("5. The same Livestatus query to both, at the usual port 6557");
  const livestatus = TENANTS.map((tenant) =>
    endpoints.find((endpoint) => endpoint.tenant === tenant && endpoint.service === "livestatus"),
  );
  const sites = await askBoth(livestatus as Endpoint[], stage);

  step("6. And nothing else gets through");
  for (const shown of sites) await tryFirewall(shown, stage);

  if (options.json) say(JSON.stringify({ isolation: stage.isolation, sites }));
  const failed = sites.some(
    ({ firewall }) => firewall.inboundBlocked === false || firewall.crossTenantBlocked === false,
  );
  if (failed) throw new Error("a firewall let through what it must not");
  if (options.once) return;
  invite(hub, livestatus as Endpoint[], stage);
  await new Promise(() => {}); // until a signal, which cleans up and ends the process
}

async function startCore(
  tenant: string,
  directory: string,
  stage: Stage,
  options: DemoOptions,
  cleanup: Cleanup,
): Promise<void> {
  const site = makeIcingaSite({
    name: tenant,
    directory: join(directory, `${tenant}-core`),
    hosts: options.hosts,
    servicesPerHost: options.services,
  });
  await startIcinga(site, { netns: stage.netns(tenant), cleanup });
  await settled(site, 60_000);
  say(
    `  ${tenant}: Icinga 2 with ${options.hosts} hosts and ${options.hosts * options.services} services, all checked`,
  );
}

async function enrolAgent(
  tenant: string,
  directory: string,
  stage: Stage,
  hub: Program,
  cleanup: Cleanup,
): Promise<void> {
  await hub.ask("tenant", "add", tenant);
  const { token } = await hub.askJson<{ token: string }>("site", "add", `${tenant}/${SITE}`);
  const agent = new Program("agent", join(directory, `${tenant}-agent`), stage.netns(tenant), cleanup);
  agent.configure(`[services]\nlivestatus = "unix:${join(directory, `${tenant}-core`, "run", "live")}"\n`);
  say(`  ${tenant}: farsite-agent enroll ${token.slice(0, 20)}...`);
  await agent.ask("enroll", token);
  await agent.start("run");
}

async function connected(hub: Program): Promise<number> {
  const { sites } = await hub.askJson<{ sites: { state: string }[] }>("status");
  return sites.filter((site) => site.state === "connected").length;
}

/** Asks Livestatus from where the central site would: beside the hub. */
async function ask(endpoint: Endpoint, query: string, stage: Stage): Promise<unknown[][]> {
  const where = `${endpoint.address}:${endpoint.port}`;
  const child = await launch([process.execPath, QUERY, where, query], {
    label: `query to ${where}`,
    netns: stage.netns("hub"),
  });
  const { code } = await child.exited;
  if (code !== 0) throw new Error(`${child.label} failed: ${child.output.trim()}`);
  return JSON.parse(child.output) as unknown[][];
}

async function askBoth(endpoints: Endpoint[], stage: Stage): Promise<Shown[]> {
  const problems =
    "GET services\nColumns: host_name description state plugin_output\nFilter: state = 2\nLimit: 8";
  const shown: Shown[] = [];
  const lines: string[][] = [];
  for (const endpoint of endpoints) {
    const [[version] = []] = await ask(endpoint, "GET status\nColumns: program_version", stage);
    const [[hosts] = []] = await ask(endpoint, "GET hosts\nStats: state >= 0", stage);
    const [[services] = []] = await ask(endpoint, "GET services\nStats: state >= 0", stage);
    lines.push((await ask(endpoint, problems, stage)).map(problemLine));
    shown.push({
      tenant: endpoint.tenant,
      site: SITE,
      address: endpoint.address,
      core: `Icinga 2 ${version}`,
      hosts: Number(hosts),
      services: Number(services),
      firewall: { inboundBlocked: null, crossTenantBlocked: null },
    });
  }
  say(`  ${problems.replaceAll("\n", "\n  ")}\n`);
  const titles = shown.map((site) => `${site.tenant}/${site.site} at ${site.address}: ${site.hosts} hosts`);
  sideBySide([titles[0] ?? "", titles[1] ?? ""], lines[0] ?? [], lines[1] ?? []);
  return shown;
}

async function tryFirewall(shown: Shown, stage: Stage): Promise<void> {
  const other = TENANTS.find((tenant) => tenant !== shown.tenant) ?? "";
  const { firewall, tries } = await stage.tryFirewall(shown.tenant, other);
  shown.firewall = firewall;
  if (tries === 0) return say(`  ${shown.tenant}: not shown here`);
  say(`  ${shown.tenant}: ${tries} connections tried, with routes laid and listeners waiting inside`);
  say(
    `    hub and internet towards ${shown.tenant}: ${firewall.inboundBlocked ? "all dropped" : "SOME GOT THROUGH"}`,
  );
  say(
    `    ${other} towards ${shown.tenant}, ${shown.tenant} out: ${firewall.crossTenantBlocked ? "all dropped but the hub's 443" : "SOME GOT THROUGH"}`,
  );
}

function invite(hub: Program, endpoints: Endpoint[], stage: Stage): void {
  step("It stays up; try it from another terminal. Ctrl-C ends it and leaves nothing behind.");
  say(`  ${hub.commandLine("status")}`);
  say(`  ${hub.commandLine("endpoints")}`);
  const netns = stage.netns("hub");
  for (const { address, port } of endpoints) {
    const enter = netns === undefined ? "" : `ip netns exec ${netns} `;
    say(
      `  ${enter}bash -c 'exec 3<>/dev/tcp/${address}/${port}; printf "GET hosts\\nColumns: name state\\nLimit: 3\\n\\n" >&3; cat <&3'`,
    );
  }
}

const cleanup = new Cleanup();
try {
  await demonstrate(readOptions(process.argv.slice(2)), cleanup);
} catch (error) {
  process.stderr.write(`${renderError("demo", error)}\n`);
  process.exitCode = 1;
} finally {
  await cleanup.run();
}

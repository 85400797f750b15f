/** The OMD sites of a host: Checkmk, and what else is built on OMD. */
import { siteName } from "../../common/names.ts";
import { eventConsolePort, spoolerPort } from "./checkmk-settings.ts";
import { type Found, type Livestatus, livestatusTarget, type Ports, tcpTarget, unixTarget } from "./found.ts";
import type { Host } from "./host.ts";
import { admitsLoopback } from "./loopback.ts";
import { type Rights, rightsTo } from "./rights.ts";
import { parseSiteConf, Settings } from "./site-conf.ts";
import { shown } from "./tree.ts";
import { parseVersion } from "./version.ts";

const SITES = "/omd/sites";

/** Every site below /omd/sites; what only looks like one is among the problems. */
export function findOmdSites(host: Host, problems: string[]): Found[] {
  return host.tree.names(SITES, problems).flatMap((name) => {
    const folder = `${SITES}/${name}`;
    if (!siteName.safeParse(name).success) {
      problems.push(`${shown(folder)}: no site has such a name`);
      return [];
    }
    if (!host.tree.isFolder(folder, problems)) {
      problems.push(`${folder}: not a folder, so no site`);
      return [];
    }
    return [describeSite(host, name, folder)];
  });
}

function describeSite(host: Host, name: string, folder: string): Found {
  const problems: string[] = [];
  const conf = host.tree.text(`${folder}/etc/omd/site.conf`, folder, problems);
  if (conf === undefined && problems.length === 0)
    problems.push(`${folder}/etc/omd/site.conf: there is no such file`);
  const settings = new Settings(parseSiteConf(conf ?? "", problems), problems);
  const link = host.tree.link(`${folder}/version`, problems);
  const version = link === undefined ? undefined : parseVersion(link);
  if (link !== undefined && !version) problems.push(`${folder}/version: leads to no version`);
  const core = settings.text("CORE");
  const socket = `${folder}/tmp/run/live`;
  const found: Found = {
    kind: version?.edition === undefined ? "omd" : "checkmk",
    name,
    version: version?.version,
    edition: version?.edition,
    core: core === undefined ? undefined : shown(core),
    state: host.listeners.socket(host.tree.at(socket)) ? "running" : "stopped",
    livestatus: core === "none" ? undefined : livestatusOf(settings, socket),
    ports: portsOf(host, settings, folder, problems),
    services: {},
    rights: undefined,
    notes: [],
    problems,
  };
  // where the socket of a site is, is known without its configuration
  if (conf !== undefined || found.state === "running") propose(host, settings, folder, found);
  return found;
}

function livestatusOf(settings: Settings, socket: string): Livestatus {
  const port = settings.on("LIVESTATUS_TCP") ? settings.port("LIVESTATUS_TCP_PORT") : undefined;
  const from = settings.text("LIVESTATUS_TCP_ONLY_FROM") ?? "0.0.0.0";
  return {
    socket,
    tcp:
      port === undefined
        ? undefined
        : { port, tls: settings.on("LIVESTATUS_TCP_TLS"), admitsLoopback: admitsLoopback(from) },
  };
}

/** Ports that the site's configuration names and has switched on. */
function portsOf({ tree }: Host, settings: Settings, folder: string, problems: string[]): Ports {
  const webServer = (settings.text("APACHE_MODE") ?? "own") !== "none";
  const ports = {
    http: webServer ? settings.port("APACHE_TCP_PORT") : undefined,
    livestatus: settings.on("LIVESTATUS_TCP") ? settings.port("LIVESTATUS_TCP_PORT") : undefined,
    eventConsole: settings.on("MKEVENTD") ? eventConsolePort(tree, folder, problems)?.port : undefined,
    notify: settings.text("MKNOTIFYD") === "off" ? undefined : spoolerPort(tree, folder, problems),
    agentReceiver: settings.on("AGENT_RECEIVER") ? settings.port("AGENT_RECEIVER_PORT") : undefined,
    broker: settings.port("RABBITMQ_PORT"),
  };
  return Object.fromEntries(Object.entries(ports).filter(([, port]) => port !== undefined));
}

function propose(host: Host, settings: Settings, folder: string, found: Found): void {
  const { name, livestatus, ports, services } = found;
  const rights = (socket: string): Rights => rightsTo(host.tree.at(socket), host.account, name);
  if (livestatus) services.livestatus = livestatusTarget(livestatus, rights(livestatus.socket));
  if (ports.http !== undefined) {
    services.http = tcpTarget(ports.http, localHost(settings.text("APACHE_TCP_ADDR")));
  }
  if (settings.on("MKEVENTD")) {
    const console = eventConsolePort(host.tree, folder, []);
    const open = console && (console.from === undefined || admitsLoopback(console.from));
    services.ec = open ? tcpTarget(console.port) : unixTarget(`${folder}/tmp/run/mkeventd/status`);
  }
  if (ports.notify !== undefined) services.notify = tcpTarget(ports.notify);
  if (ports.broker !== undefined) {
    const [first] = (settings.text("RABBITMQ_ONLY_FROM") ?? "").split(/\s+/);
    services.broker = tcpTarget(ports.broker, localHost(first));
  }
  const socket = Object.values(services).find((target) => target.startsWith("unix:"));
  if (socket !== undefined) found.rights = rights(socket.slice("unix:".length));
  if (found.state === "stopped") found.notes.push(`it is stopped: omd start ${name}`);
}

/** The address of a service of this host by which the host itself reaches it; 127.0.0.1 where it listens everywhere. */
function localHost(address: string | undefined): string {
  if (address === undefined || !/^[\d.]{7,15}$|^\[?[\da-fA-F:]{2,39}\]?$/.test(address)) return "127.0.0.1";
  const bare = address.replace(/[[\]]/g, "");
  if (bare === "0.0.0.0" || bare === "::") return "127.0.0.1";
  return bare.includes(":") ? `[${bare}]` : bare;
}

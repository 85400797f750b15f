/** Naemon and Nagios without OMD: Livestatus is a module that their configuration names. */
import { basename, dirname } from "node:path";
import { type Found, type Livestatus, livestatusTarget } from "./found.ts";
import type { Host } from "./host.ts";
import { rightsTo } from "./rights.ts";

/** Where distributions have the configuration: the main file, and further ones that may name the module. */
const PLACES = [
  { kind: "naemon", files: ["/etc/naemon/naemon.cfg", "/etc/naemon/module-conf.d/livestatus.cfg"] },
  { kind: "nagios", files: ["/etc/nagios4/nagios.cfg"] },
  { kind: "nagios", files: ["/etc/nagios3/nagios.cfg"] },
  { kind: "nagios", files: ["/etc/nagios/nagios.cfg"] },
  { kind: "nagios", files: ["/usr/local/nagios/etc/nagios.cfg"] },
] as const;

export function findNagios(host: Host): Found[] {
  return PLACES.flatMap(({ kind, files }) => {
    const problems: string[] = [];
    const texts = files.map((file) => host.tree.text(file, dirname(files[0]), problems));
    if (texts[0] === undefined && problems.length === 0) return [];
    const livestatus = texts.map((text) => parseModule(text ?? "")).findLast((each) => each !== undefined);
    return [describe(host, kind, files[0], livestatus, problems)];
  });
}

function describe(
  { tree, listeners, account }: Host,
  kind: "naemon" | "nagios",
  file: string,
  livestatus: Livestatus | undefined,
  problems: string[],
): Found {
  const listening = livestatus !== undefined && listeners.socket(tree.at(livestatus.socket));
  const found: Found = {
    kind,
    name: kind,
    version: undefined,
    edition: undefined,
    core: kind,
    state: listening ? "running" : "stopped",
    livestatus,
    ports: livestatus?.tcp ? { livestatus: livestatus.tcp.port } : {},
    services: {},
    rights: undefined,
    notes: [],
    problems,
  };
  if (livestatus) {
    found.rights = rightsTo(tree.at(livestatus.socket), account);
    found.services.livestatus = livestatusTarget(livestatus, found.rights);
    if (!listening) found.notes.push(`nobody listens at ${livestatus.socket}: is ${kind} running?`);
  } else if (problems.length === 0) {
    found.notes.push(`${file} loads no Livestatus: it needs a line broker_module=MODULE SOCKET`);
  }
  return found;
}

/** The module's socket: `broker_module=/usr/lib/.../livestatus.so [NAME=VALUE ...] SOCKET [NAME=VALUE ...]`. */
export function parseModule(text: string): Livestatus | undefined {
  for (const line of text.split("\n")) {
    const [module = "", ...args] =
      /^\s*broker_module\s*=\s*(\S.*)$/.exec(line)?.[1]?.trim().split(/\s+/) ?? [];
    if (!/livestatus/.test(basename(module))) continue;
    const socket = args.find((word) => !word.includes("="));
    if (socket === undefined || !/^\/[^\p{Cc}"\\]{1,106}$/u.test(socket)) continue;
    const listen = args.find((word) => word.startsWith("inet_addr="));
    const port = Number(/:(\d{1,5})$/.exec(listen ?? "")?.[1] ?? 0);
    const reached = port >= 1 && port <= 65_535;
    return { socket, tcp: reached ? { port, tls: false, admitsLoopback: true } : undefined };
  }
  return undefined;
}

/**
 * Settings that Checkmk keeps in Python files: single values are looked for in the form in which Checkmk's setup writes
 * them; nothing is run.
 */
import type { Tree } from "./tree.ts";

/** Where the global settings of a daemon are, in the order in which later ones win. */
const GLOBAL = ["wato/global.mk", "wato/sitespecific.mk"];

/** The last of what `pattern` finds in the settings of one daemon, as `etc/check_mk/DAEMON.d` of a site has them. */
function lastMatch(
  tree: Tree,
  site: string,
  daemon: string,
  pattern: RegExp,
  problems: string[],
): RegExpMatchArray | undefined {
  const folder = `${site}/etc/check_mk`;
  const files = [`${folder}/${daemon}.mk`, ...GLOBAL.map((name) => `${folder}/${daemon}.d/${name}`)];
  return files.flatMap((file) => [...(tree.text(file, site, problems) ?? "").matchAll(pattern)]).at(-1);
}

const STATUS_PORT =
  /^remote_status\s*=\s*(?:None\b|\(\s*(\d{1,5})\s*,\s*(?:True|False)\s*,\s*(None|\[[^\]]{0,2000}\])\s*\))/gm;

/** The TCP port at which the Event Console answers this host; undefined when it has none. */
export function eventConsolePort(
  tree: Tree,
  site: string,
  problems: string[],
): { port: number; from: string | undefined } | undefined {
  const [, port, networks = "None"] = lastMatch(tree, site, "mkeventd", STATUS_PORT, problems) ?? [];
  if (port === undefined || !isPort(Number(port))) return undefined;
  return { port: Number(port), from: networks === "None" ? undefined : networks.replace(/[[\]'"]/g, " ") };
}

const LISTEN_PORT = /['"]incoming['"]\s*:\s*\{[^{}]*['"]listen_port['"]\s*:\s*(\d{1,5})\b/g;

/** The TCP port at which the notification spooler takes connections; undefined when it takes none. */
export function spoolerPort(tree: Tree, site: string, problems: string[]): number | undefined {
  const [, port] = lastMatch(tree, site, "mknotifyd", LISTEN_PORT, problems) ?? [];
  return port !== undefined && isPort(Number(port)) ? Number(port) : undefined;
}

const isPort = (port: number) => port >= 1 && port <= 65_535;

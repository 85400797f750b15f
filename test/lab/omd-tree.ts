/** Folders that look like hosts with OMD sites: what Checkmk's releases write, as far as an agent looks at it. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

export interface OmdSite {
  name: string;
  /** As the folder below /omd/versions: `2.3.0p20.cre`. */
  version: string;
  /** Which site of its host it is, from 0: the later ones have higher ports. */
  nth?: number;
  /** Settings of site.conf that are otherwise than a new site's; undefined: missing. */
  settings?: Record<string, string | undefined>;
  /** Further files of the site, by their paths in it. */
  files?: Record<string, string>;
  /** Whether its sockets are there. */
  started?: boolean;
}

/** The sockets of a started site, by their paths in it. */
const SOCKETS = ["tmp/run/live", "tmp/run/mkeventd/status"];

/** Makes a site below `root`; gives its folder there. */
export function makeOmdSite(root: string, site: OmdSite): string {
  const { name, version, settings = {}, files = {}, started = true } = site;
  const folder = join(root, "omd/sites", name);
  mkdirSync(join(root, "omd/versions", version), { recursive: true });
  const lines = Object.entries({ ...settingsOf(version, site.nth ?? 0), ...settings })
    .filter(([, value]) => value !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `CONFIG_${key}='${value}'`);
  const sockets = started ? SOCKETS.map((path) => [path, ""] as const) : [];
  put(folder, { "etc/omd/site.conf": `${lines.join("\n")}\n`, ...Object.fromEntries(sockets), ...files });
  rmSync(join(folder, "version"), { force: true });
  symlinkSync(join("../../versions", version), join(folder, "version"));
  return folder;
}

/** Writes files below a folder. */
export function put(folder: string, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

/** What site.conf of a new site of that release says. */
function settingsOf(version: string, nth: number): Record<string, string> {
  const [, minor = ""] = version.split(".");
  const raw = /\.(?:cre|community)$/.test(version);
  return {
    ADMIN_MAIL: "",
    AGENT_RECEIVER: "on",
    AGENT_RECEIVER_PORT: String(8000 + nth),
    APACHE_MODE: "own",
    APACHE_TCP_ADDR: "127.0.0.1",
    APACHE_TCP_PORT: String(5000 + nth),
    AUTOSTART: "on",
    CORE: raw ? "nagios" : "cmc",
    ...(!raw && { LIVEPROXYD: "on" }),
    LIVESTATUS_TCP: "off",
    LIVESTATUS_TCP_ONLY_FROM: "0.0.0.0 ::/0",
    LIVESTATUS_TCP_PORT: "6557",
    LIVESTATUS_TCP_TLS: "on",
    MKEVENTD: "on",
    MKEVENTD_SNMPTRAP: "off",
    MKEVENTD_SYSLOG: "off",
    MKEVENTD_SYSLOG_TCP: "off",
    MULTISITE_AUTHORISATION: "on",
    MULTISITE_COOKIE_AUTH: "on",
    PNP4NAGIOS: "on",
    ...(Number(minor) >= 4 && {
      PIGGYBACK_HUB: "off",
      RABBITMQ_DIST_PORT: String(25_672 + nth),
      RABBITMQ_ONLY_FROM: "0.0.0.0 ::",
      RABBITMQ_PORT: String(5672 + nth),
    }),
    ...(Number(minor) >= 5 && { AUTOMATION_HELPER: "on" }),
    TMPFS: "on",
  };
}

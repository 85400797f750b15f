/** A real Icinga 2 with Livestatus, made in a directory of its own and run beside as many others as wanted. */
import { chmodSync, chownSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Cleanup } from "./cleanup.ts";
import { attempt, command } from "./command.ts";
import { isRoot } from "./debian.ts";
import { icingaConfig } from "./icinga-config.ts";
import { type Host, makeHosts } from "./icinga-objects.ts";
import { ask, rows, type Target } from "./livestatus.ts";
import { type LabProcess, launch, waitFor } from "./process.ts";

/** What {@link startIcinga} needs to be installed. */
export const ICINGA_PACKAGES = ["icinga2-bin", "icinga2-common"];

/** The user that Debian's package makes; the daemon refuses to stay root. */
const PACKAGE_USER = "nagios";
/** sockaddr_un: 108 bytes with the closing zero. */
const SOCKET_PATH_LIMIT = 107;

export interface IcingaSite {
  /** Also the prefix of all host names. */
  name: string;
  directory: string;
  hosts: readonly Host[];
  /** Livestatus; readable and writable for the daemon's user and group only. */
  socket: string;
  /** Takes external commands, one a line; there while the daemon runs. */
  commandPipe: string;
  /** Livestatus on 127.0.0.1, if asked for. */
  tcpPort: number | undefined;
}

/**
 * Writes a site's configuration and directories.
 * @param options `name`: letters, digits, "-"; `directory`: exists, is empty, and every directory above it
 *   lets the daemon's user through (see `scratchDirectory`)
 */
export function makeIcingaSite(options: {
  name: string;
  directory: string;
  hosts: number;
  servicesPerHost: number;
  tcpPort?: number | undefined;
}): IcingaSite {
  const { name, directory, tcpPort } = options;
  const socket = join(directory, "run", "live");
  if (Buffer.byteLength(socket) > SOCKET_PATH_LIMIT) {
    throw new Error(`${socket}: longer than the ${SOCKET_PATH_LIMIT} bytes a Unix socket's path may have`);
  }
  const compatLog = join(directory, "log", "compat");
  const commandPipe = join(directory, "run", "cmd", "icinga2.cmd");
  for (const folder of ["etc", "lib/api", "log/compat/archives", "cache", "spool", "run/cmd"]) {
    mkdirSync(join(directory, folder), { recursive: true });
  }
  const hosts = makeHosts(name, options.hosts, options.servicesPerHost);
  writeFileSync(configFile(directory), icingaConfig({ socket, commandPipe, compatLog }, hosts, tcpPort));
  return { name, directory, hosts, socket, commandPipe, tcpPort };
}

/**
 * Starts the site's daemon and resolves when it answers Livestatus queries. All checks have been asked for
 * by then; {@link settled} waits until they are done. As root the daemon runs as the package's user, else as
 * the current user. Stop it with the process's `stop()`.
 */
export async function startIcinga(
  site: IcingaSite,
  options: { netns?: string | undefined; cleanup?: Cleanup | undefined } = {},
): Promise<LabProcess> {
  const account = isRoot() ? handOver(site.directory) : currentAccount();
  const at = (folder: string) => join(site.directory, folder);
  const settings = {
    NodeName: site.name,
    ZoneName: site.name,
    RunAsUser: account.name,
    RunAsGroup: account.group,
    ConfigDir: at("etc"),
    DataDir: at("lib"),
    LogDir: at("log"),
    CacheDir: at("cache"),
    SpoolDir: at("spool"),
    InitRunDir: at("run"),
  };
  const daemon = await launch(
    [
      ...[icingaBinary(), "--no-stack-rlimit", "daemon", "-c", configFile(site.directory)],
      ...Object.entries(settings).map(([key, value]) => `-D${key}=${value}`),
    ],
    {
      label: `icinga2 of ${site.name}`,
      netns: options.netns,
      user: isRoot() ? { uid: account.uid, gid: account.gid } : undefined,
      onParentDeath: "TERM", // its first process ends the worker that does everything
      ready: async () => (await rows(livestatusOf(site), "GET status\nColumns: program_start")).length === 1,
      readyWithinMs: 30_000,
      cleanup: options.cleanup,
    },
  );
  await checkEverythingNow(site);
  return daemon;
}

/** Where the site's Livestatus listens whether or not it has a TCP port. */
export function livestatusOf(site: IcingaSite): Target {
  return { unix: site.socket };
}

/**
 * Resolves when every host and every service has been checked, and the second in which that happened is over:
 * Icinga drops a passive result whose time, in whole seconds, lies before the last check. Needs the daemon
 * running.
 */
export async function settled(site: IcingaSite, withinMs = 30_000): Promise<void> {
  const isSettled = async (table: string) => {
    const query = `GET ${table}\nStats: has_been_checked = 0\nStats: max last_check`;
    const [pending, last] = ((await rows(livestatusOf(site), query))[0] ?? []).map(Number);
    return pending === 0 && Math.floor(Date.now() / 1_000) > Math.floor(last ?? 0);
  };
  await waitFor(
    `the checks of ${site.name}`,
    async () => (await isSettled("services")) && (await isSettled("hosts")),
    { withinMs },
  );
}

/** Left alone, the scheduler spreads the first checks over a minute. */
async function checkEverythingNow(site: IcingaSite): Promise<void> {
  const now = Math.floor(Date.now() / 1_000);
  const commands = site.hosts.flatMap(({ name }) => [
    `COMMAND [${now}] SCHEDULE_FORCED_HOST_CHECK;${name};${now}\n\n`,
    `COMMAND [${now}] SCHEDULE_FORCED_HOST_SVC_CHECKS;${name};${now}\n\n`,
  ]);
  await ask(livestatusOf(site), commands.join(""), { halfClose: true });
}

function configFile(directory: string): string {
  return join(directory, "etc", "icinga2.conf");
}

/** The program itself; /usr/sbin/icinga2 is a script that sets things up for the system-wide instance. */
function icingaBinary(): string {
  const files = attempt(["dpkg", "-L", "icinga2-bin"]).stdout.split("\n");
  const binary = files.find((file) => file.endsWith("/icinga2/sbin/icinga2"));
  if (binary === undefined) throw new Error("icinga2 is not installed (Debian package icinga2-bin)");
  return binary;
}

interface Account {
  name: string;
  group: string;
  uid: number;
  gid: number;
}

function currentAccount(): Account {
  const [name = "", group = ""] = ["-un", "-gn"].map((what) => command(["id", what]).trim());
  return { name, group, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
}

/** Gives everything in `directory` to the package's user, after checking that it can get there. */
function handOver(directory: string): Account {
  const [uid, gid, group] = ["-u", "-g", "-gn"].map((what) => command(["id", what, PACKAGE_USER]).trim());
  const account = { name: PACKAGE_USER, group: group ?? "", uid: Number(uid), gid: Number(gid) };
  for (let parent = dirname(directory); ; parent = dirname(parent)) {
    if ((statSync(parent).mode & 0o001) === 0) {
      throw new Error(`${parent}: user ${PACKAGE_USER} may not pass; set TMPDIR to a directory open to all`);
    }
    if (parent === dirname(parent)) break;
  }
  chmodSync(directory, 0o755);
  for (const path of ["", ...readdirSync(directory, { recursive: true, encoding: "utf8" })]) {
    chownSync(join(directory, path), account.uid, account.gid);
  }
  return account;
}

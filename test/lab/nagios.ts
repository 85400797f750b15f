/** A real Nagios 4 that checks nothing itself and takes the results it is given, in a directory of its own. */
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Cleanup } from "./cleanup.ts";
import { command } from "./command.ts";
import { type LabProcess, launch } from "./process.ts";

/** What {@link startNagios} needs to be installed; and it needs to be started by root. */
export const NAGIOS_PACKAGES = ["nagios4-core"];

/** The user that Debian's package makes. */
const USER = "nagios";

export interface NagiosService {
  host: string;
  description: string;
}

export interface Nagios {
  directory: string;
  /** Takes external commands, one a line; there while the core runs. */
  commandPipe: string;
}

/** Writes configuration and directories. `directory` lets the core's user through (see `scratchDirectory`). */
export function makeNagios({
  directory,
  hosts,
  services = [],
}: {
  directory: string;
  hosts: readonly string[];
  services?: readonly NagiosService[];
}): Nagios {
  const at = (name: string) => join(directory, name);
  for (const folder of ["checkresults", "rw", "archives", "tmp", "objects"])
    mkdirSync(at(folder), { recursive: true });
  const settings = {
    log_file: at("nagios.log"),
    cfg_file: at("objects.cfg"),
    cfg_dir: at("objects"),
    object_cache_file: at("objects.cache"),
    precached_object_file: at("objects.precache"),
    status_file: at("status.dat"),
    status_update_interval: 1,
    temp_file: at("nagios.tmp"),
    temp_path: at("tmp"),
    check_result_path: at("checkresults"),
    check_result_reaper_frequency: 1,
    command_file: at("rw/nagios.cmd"),
    query_socket: at("rw/nagios.qh"),
    lock_file: at("nagios.lock"),
    log_archive_path: at("archives"),
    state_retention_file: at("retention.dat"),
    retain_state_information: 0,
    check_external_commands: 1,
    execute_service_checks: 0,
    execute_host_checks: 0,
    accept_passive_host_checks: 1,
    enable_notifications: 0,
    use_syslog: 0,
    check_for_updates: 0,
    daemon_dumps_core: 0,
    nagios_user: USER,
    nagios_group: USER,
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`);
  writeFileSync(at("nagios.cfg"), lines.join(""));
  writeFileSync(at("objects.cfg"), objects(hosts, services));
  const [uid, gid] = ["-u", "-g"].map((what) => Number(command(["id", what, USER]).trim()));
  for (const path of ["", ...readdirSync(directory, { recursive: true, encoding: "utf8" })]) {
    chownSync(join(directory, path), uid ?? 0, gid ?? 0);
  }
  return { directory, commandPipe: settings.command_file };
}

/** Starts the core and resolves when it takes commands. */
export function startNagios(
  { directory, commandPipe }: Nagios,
  { cleanup }: { cleanup: Cleanup },
): Promise<LabProcess> {
  return launch(["/usr/sbin/nagios4", join(directory, "nagios.cfg")], {
    label: "nagios4",
    ready: async () => existsSync(commandPipe) && existsSync(join(directory, "status.dat")),
    readyWithinMs: 30_000,
    cleanup,
  });
}

export interface NagiosStatus {
  state: number;
  output: string;
  /** As the core writes it: a line break is `\\n`. */
  longOutput: string;
  perfdata: string;
}

/** The hosts' states as the core last wrote them. */
export function hostStates(nagios: Nagios): Map<string, NagiosStatus> {
  return new Map(
    blocks(nagios, "hoststatus").map((block) => [block.get("host_name") ?? "", statusOf(block)]),
  );
}

/** The services' states, by `HOST/DESCRIPTION`. */
export function serviceStates(nagios: Nagios): Map<string, NagiosStatus> {
  return new Map(
    blocks(nagios, "servicestatus").map((block) => [
      `${block.get("host_name")}/${block.get("service_description")}`,
      statusOf(block),
    ]),
  );
}

function blocks({ directory }: Nagios, kind: string): Map<string, string>[] {
  const text = readFileSync(join(directory, "status.dat"), "utf8");
  return [...text.matchAll(new RegExp(`^${kind} \\{\n(.*?)^\t\\}`, "gms"))].map(
    ([, block = ""]) =>
      new Map([...block.matchAll(/^\t(\w+)=(.*)$/gm)].map((match) => [match[1] ?? "", match[2] ?? ""])),
  );
}

function statusOf(block: ReadonlyMap<string, string>): NagiosStatus {
  return {
    state: Number(block.get("current_state")),
    output: block.get("plugin_output") ?? "",
    longOutput: block.get("long_plugin_output") ?? "",
    perfdata: block.get("performance_data") ?? "",
  };
}

function objects(hosts: readonly string[], services: readonly NagiosService[]): string {
  const definition = (kind: string, directives: Record<string, string | number>) => {
    const lines = Object.entries(directives).map(([key, value]) => `  ${key} ${value}\n`);
    return `define ${kind} {\n${lines.join("")}}\n`;
  };
  return [
    definition("command", { command_name: "none", command_line: "/bin/true" }),
    definition("timeperiod", { timeperiod_name: "never", alias: "never" }),
    definition("contact", {
      contact_name: "admin",
      host_notification_commands: "none",
      service_notification_commands: "none",
      host_notification_period: "never",
      service_notification_period: "never",
    }),
    // without any it does not start
    ...(services.length > 0 ? services : [{ host: hosts[0] ?? "", description: "service" }]).map(
      ({ host, description }) =>
        definition("service", {
          host_name: host,
          service_description: description,
          check_command: "none",
          max_check_attempts: 1,
          active_checks_enabled: 0,
          passive_checks_enabled: 1,
          contacts: "admin",
          check_period: "never",
          notification_period: "never",
        }),
    ),
    ...hosts.map((name) =>
      definition("host", {
        host_name: name,
        alias: name,
        address: "127.0.0.1",
        check_command: "none",
        max_check_attempts: 1,
        active_checks_enabled: 0,
        passive_checks_enabled: 1,
        contacts: "admin",
        check_period: "never",
      }),
    ),
  ].join("");
}

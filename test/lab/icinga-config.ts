/** Writes the configuration of an Icinga 2 site (its language: "Language Reference" of the Icinga 2 manual). */
import { HOST_GROUPS, type Host, SERVICE_GROUPS } from "./icinga-objects.ts";

export interface IcingaPaths {
  /** The Livestatus socket. */
  socket: string;
  /** The external command pipe. */
  commandPipe: string;
  compatLog: string;
}

/** Contacts: everybody's administrators, and a team that only sees the web servers. */
export const CONTACTS = [
  { name: "admin", alias: "Jürgen Müller", group: "admins" },
  { name: "web", alias: "Zoë Groß", group: "web-team" },
];
const WEB_TEAM_ROLE = "web";

/** The whole configuration as one file's text. */
export function icingaConfig(
  paths: IcingaPaths,
  hosts: readonly Host[],
  tcpPort: number | undefined,
): string {
  return [daemon(paths, tcpPort), groups(), contacts(), ...hosts.map((host) => hostObjects(host))].join("\n");
}

function daemon(paths: IcingaPaths, tcpPort: number | undefined): string {
  return `
include <itl>
object Zone NodeName { endpoints = [ NodeName ] }
object Endpoint NodeName { }
object IcingaApplication "app" { enable_notifications = false }
object CheckerComponent "checker" { }
object ExternalCommandListener "command" { command_path = ${quoted(paths.commandPipe)} }
object CompatLogger "log" { log_dir = ${quoted(paths.compatLog)} }
object LivestatusListener "unix" {
  socket_type = "unix"
  socket_path = ${quoted(paths.socket)}
  compat_log_path = ${quoted(paths.compatLog)}
}
${
  tcpPort === undefined
    ? ""
    : `object LivestatusListener "tcp" {
  socket_type = "tcp"
  bind_host = "127.0.0.1"
  bind_port = "${tcpPort}"
  compat_log_path = ${quoted(paths.compatLog)}
}`
}
// One check attempt makes every state a hard one at once.
template Host "lab" { check_command = "dummy"; check_interval = 5m; retry_interval = 5m; max_check_attempts = 1 }
template Service "lab" { check_command = "dummy"; check_interval = 5m; retry_interval = 5m; max_check_attempts = 1 }
`;
}

function groups(): string {
  return [
    ...HOST_GROUPS.map((name) => `object HostGroup "${name}" { display_name = "Hosts: ${name}" }`),
    ...SERVICE_GROUPS.map((name) => `object ServiceGroup "${name}" { display_name = "Services: ${name}" }`),
  ].join("\n");
}

/** Notifications exist only because a contact belongs to an object through them; none is ever sent. */
function contacts(): string {
  const admins = `user_groups = [ "admins" ]; assign where true`;
  const webTeam = `user_groups = [ "web-team" ]; assign where "${WEB_TEAM_ROLE}" in host.groups`;
  const apply = (name: string, to: string, who: string) =>
    `apply Notification "${name}" to ${to} { command = "none"; ${who} }`;
  return [
    `object NotificationCommand "none" { command = [ "/bin/true" ] }`,
    ...CONTACTS.map(({ group }) => `object UserGroup "${group}" { }`),
    ...CONTACTS.map(
      ({ name, alias, group }) =>
        `object User "${name}" { display_name = ${quoted(alias)}; groups = [ "${group}" ]; email = "${name}@customer.example" }`,
    ),
    ...["Host", "Service"].flatMap((to) => [apply("admins", to, admins), apply("web-team", to, webTeam)]),
  ].join("\n");
}

function hostObjects(host: Host): string {
  const services = host.services.map(
    (service) => `object Service ${quoted(service.description)} {
  import "lab"
  host_name = ${quoted(host.name)}
  groups = [ ${quoted(service.group)} ]
  ${dummy(service.state, service.output, service.perfData)}
}`,
  );
  // The plugin's states 0 and 1 are both "UP" for a host, 2 is "DOWN".
  return `object Host ${quoted(host.name)} {
  import "lab"
  display_name = ${quoted(host.alias)}
  address = ${quoted(host.address)}
  groups = [ ${quoted(host.group)} ]
  ${dummy(host.state === 0 ? 0 : 2, host.output, host.perfData)}
}
${services.join("\n")}`;
}

/** The built-in check "dummy" runs inside the daemon and says what these variables say. */
function dummy(state: number, output: string, perfData: string): string {
  return `vars.dummy_state = ${state}; vars.dummy_text = ${quoted(perfData === "" ? output : `${output}|${perfData}`)}`;
}

/** A string of the configuration language; its escapes are those of JSON as far as used here. */
function quoted(text: string): string {
  return JSON.stringify(text);
}

/**
 * The hosts and services of a made-up customer: what a small company's monitoring looks like, with all
 * states, and texts with umlauts and performance data. The same input always gives the same objects, so a
 * test can compare what a query answers with what was configured.
 */

/** 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. */
export type ServiceState = 0 | 1 | 2 | 3;

export interface Service {
  description: string;
  group: string;
  state: ServiceState;
  output: string;
  perfData: string;
}

export interface Host {
  name: string;
  alias: string;
  address: string;
  group: string;
  /** 0 UP, 1 DOWN. */
  state: 0 | 1;
  output: string;
  perfData: string;
  services: readonly Service[];
}

interface Role {
  name: string;
  alias: string;
}

interface Kind {
  description: string;
  group: string;
  /** What is measured, with its unit. */
  metric: string;
  unit: string;
  /** Where WARNING and CRITICAL begin, and the most that is ever measured. */
  levels: readonly [number, number, number];
  /** The plugin's text; `{}` stands for the value. */
  text: string;
}

const ROLES: readonly Role[] = [
  { name: "web", alias: "Webserver" },
  { name: "db", alias: "Datenbank" },
  { name: "app", alias: "Anwendung" },
  { name: "mail", alias: "Mailserver" },
  { name: "file", alias: "Dateiablage" },
  { name: "dns", alias: "Namensauflösung" },
  { name: "backup", alias: "Sicherung" },
  { name: "print", alias: "Druckserver" },
  { name: "vpn", alias: "Einwahl" },
  { name: "switch", alias: "Verteiler" },
];
const TOWNS = ["Köln", "München", "Düsseldorf", "Lübeck", "Görlitz"];

const KINDS: readonly Kind[] = [
  kind("CPU load", "system", "load15", "", [4, 8, 20], "15 min load {} at 4 cores"),
  kind("Memory", "system", "mem_used", "%", [80, 90, 100], "Used RAM {} %"),
  kind("Filesystem /", "storage", "fs_used", "%", [80, 90, 100], "{} % used of 19.5 GiB, mounted on /"),
  kind("Filesystem /var", "storage", "fs_used", "%", [80, 90, 100], "{} % used of 80.0 GiB, mounted on /var"),
  kind("Interface eth0", "network", "in", "B", [80e6, 100e6, 125e6], "[eth0] up, 1 GBit/s, in {} B/s"),
  kind("NTP time", "system", "offset", "ms", [200, 500, 5000], "Offset {} ms to the clock in the Büro"),
  kind("Temperatur Serverraum", "environment", "temp", "", [30, 40, 60], "Fühler am Gehäuse {} °C"),
  kind("HTTPS", "network", "time", "s", [2, 5, 10], "HTTP/1.1 200, Antwort für Gäste in {} s"),
  kind("Größe der Warteschlange", "application", "length", "", [50, 200, 999], "{} Aufträge warten"),
  kind("Datensicherung", "storage", "age", "h", [26, 50, 400], "Letzte vollständige Sicherung vor {} h"),
];

/** One round has every state; most services are well, as they are in life. */
const STATES: readonly ServiceState[] = [0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 3, 0, 0, 1, 0];
const STATE_NAMES = ["OK", "WARNING", "CRITICAL", "UNKNOWN"];
const DOWN_EVERY = 12;

/** The service groups that services are members of. */
export const SERVICE_GROUPS = [...new Set(KINDS.map((each) => each.group))];
/** The host groups that hosts are members of. */
export const HOST_GROUPS = ROLES.map((role) => role.name);

/**
 * `count` hosts with `servicesPerHost` services each. Names are `PREFIX-ROLE-NUMBER` (acme-web-001),
 * addresses lie in 10.0.0.0/24 whatever the prefix (and repeat beyond 250 hosts), states differ by prefix.
 */
export function makeHosts(prefix: string, count: number, servicesPerHost: number): Host[] {
  const shift = [...prefix].reduce((sum, letter) => sum + (letter.codePointAt(0) ?? 0), 0);
  return Array.from({ length: count }, (_, index) => {
    const role = at(ROLES, index);
    const down = (index + shift) % DOWN_EVERY === DOWN_EVERY - 1;
    const roundTrip = (((index * 37 + shift) % 900) + 100) / 1_000;
    return {
      name: `${prefix}-${role.name}-${String(index + 1).padStart(3, "0")}`,
      alias: `${role.alias} ${at(TOWNS, index + shift)}`,
      address: `10.0.0.${(index % 250) + 2}`,
      group: role.name,
      state: down ? 1 : 0,
      output: down
        ? "PING CRITICAL - Packet loss = 100%"
        : `PING OK - Packet loss = 0%, RTA = ${roundTrip} ms`,
      perfData: down ? "pl=100%;20;60;0" : `rta=${roundTrip}ms;100;500;0 pl=0%;20;60;0`,
      services: Array.from({ length: servicesPerHost }, (_, number) =>
        makeService(number, at(STATES, index * servicesPerHost + number + shift), index + shift),
      ),
    };
  });
}

function makeService(number: number, state: ServiceState, salt: number): Service {
  const { description, group, metric, unit, levels, text } = at(KINDS, number);
  const round = Math.floor(number / KINDS.length);
  const [warn, crit, most] = levels;
  const share = 0.2 + ((salt * 31 + number * 17) % 60) / 100;
  const [from, to] = [[0, warn] as const, [warn, crit] as const][state] ?? [crit, most];
  const value = from + (to - from) * share;
  const shown = value < 10 ? Number(value.toFixed(2)) : Math.round(value);
  const measured = state !== 3;
  return {
    description: round === 0 ? description : `${description} ${round + 1}`,
    group,
    state,
    output: `${STATE_NAMES[state]} - ${measured ? text.replace("{}", String(shown)) : "Prüfung lieferte keine Werte"}`,
    perfData: measured ? `${metric}=${shown}${unit};${warn};${crit}` : "",
  };
}

function kind(
  description: string,
  group: string,
  metric: string,
  unit: string,
  levels: [number, number, number],
  text: string,
): Kind {
  return { description, group, metric, unit, levels, text };
}

/** The entry at `index`, counted round and round. */
function at<T>(list: readonly T[], index: number): T {
  return list[index % list.length] as T;
}

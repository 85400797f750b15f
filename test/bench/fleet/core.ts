/** The queries of the benchmarks, and what each site's core says to them. */

/** A page of what is not well, over all tenants. */
export const PROBLEMS = [
  "GET services",
  "Columns: peer_key host_name description state plugin_output last_check last_state_change acknowledged",
  "Filter: state != 0",
].join("\n");

/** Services of one site that are not well: one in twenty of two hundred. */
export const PROBLEMS_OF_A_SITE = 10;

/** One more service of each site is critical and well in turns, each for so many ms; its output says since when. */
export const TURNS = "Turns";
export const TURN = 8_000;
/** Sites take turns at different moments. */
const STAGGER = 997;

type Service = Record<string, number | string>;

/** A fixed16 answer in JSON. @param place of the site among all */
export function answerTo(request: string, site: string, place: number, now: number): Buffer {
  if (request.startsWith("GET hosts")) return fixed16(request.includes("Stats:") ? [HOSTS_WELL] : []);
  // what the hub itself asks for, beside what a page of all sites does
  const own = request.includes("has_been_checked");
  const services = [...servicesOf(site), ...(own ? turnsOf(site, place, now) : [])];
  const columns = /^Columns: (.*)$/m.exec(request)?.[1]?.split(" ");
  if (columns) return fixed16(services.map((service) => columns.map((name) => service[name] ?? 0)));
  const sum = services.reduce((total, { last_state_change: at = 0 }) => total + Number(at), 0);
  const newest = Number(/^Stats: last_state_change >= (\d+)$/m.exec(request)?.[1]);
  const since = services.filter(({ last_state_change: at = 0 }) => Number(at) >= newest).length;
  const kinds = [1, 2, 3].map((state) => services.filter((service) => service.state === state).length);
  return fixed16([[services.length, ...kinds, services.length, 0, 0, 0, 0, 0, 0, sum, since]]);
}

/** What the hub counts of hosts: none of any kind. */
const HOSTS_WELL = new Array<number>(9).fill(0);

function servicesOf(site: string): Service[] {
  return Array.from({ length: PROBLEMS_OF_A_SITE }, (_, at) => ({
    host_name: `${site}-host-${at}`,
    description: `Filesystem /var/lib/${at}`,
    state: 1 + (at % 3),
    state_type: 1,
    plugin_output: `CRITICAL - 97 % used of 80.0 GiB, mounted on /var/lib/${at} (warn/crit at 80 %/90 %)`,
    last_check: 1_790_000_000 + at,
    last_state_change: 1_789_990_000 + at,
  }));
}

function turnsOf(site: string, place: number, now: number): Service[] {
  const offset = (place * STAGGER) % (2 * TURN);
  const turn = Math.floor((now - offset) / TURN);
  if (turn % 2 === 0) return [];
  const since = turn * TURN + offset;
  return [
    {
      host_name: `${site}-host-0`,
      description: TURNS,
      state: 2,
      state_type: 1,
      plugin_output: `since ${since}`,
      last_check: Math.floor(since / 1_000),
      last_state_change: Math.floor(since / 1_000),
    },
  ];
}

function fixed16(rows: unknown): Buffer {
  const body = JSON.stringify(rows);
  return Buffer.from(`200 ${String(body.length).padStart(11)}\n${body}`);
}

/** What the cores are asked: columns that Checkmk's, Nagios', Naemon's and Icinga 2's Livestatus all have. */

export const TABLES = ["hosts", "services"] as const;
export type Table = (typeof TABLES)[number];

const COMMON = [
  "state",
  "state_type",
  "plugin_output",
  "last_state_change",
  "last_check",
  "current_attempt",
  "max_check_attempts",
  "acknowledged",
  "scheduled_downtime_depth",
  "is_flapping",
  "active_checks_enabled",
  "accept_passive_checks",
  "notifications_enabled",
] as const;
const OF_HOST = ["host_state", "host_scheduled_downtime_depth", "host_acknowledged"] as const;

/** Of the rows of problems, in their order. */
export const COLUMNS = {
  hosts: ["name", ...COMMON],
  services: ["host_name", "description", ...COMMON, ...OF_HOST],
} as const satisfies Record<Table, readonly string[]>;

/** What makes a problem another one at a glance: counted, since Icinga 2 cannot group by what is true or false. */
const AT_A_GLANCE = [
  "state = 1",
  "state = 2",
  "state_type = 1",
  "acknowledged = 1",
  "scheduled_downtime_depth > 0",
  "is_flapping = 1",
];
const OF_HOST_AT_A_GLANCE = ["host_state != 0", "host_acknowledged = 1", "host_scheduled_downtime_depth > 0"];

const NOT_WELL = "Filter: state != 0\nFilter: has_been_checked = 1";

/** All problems of a site; at most `most`. */
export function problemsQuery(table: Table, most: number): string {
  return `GET ${table}\nColumns: ${COLUMNS[table].join(" ")}\n${NOT_WELL}\nLimit: ${most}`;
}

/**
 * The same in short, in one row: the number of problems, how many are of which kind, when they changed, and how many
 * changed at `newest` (s since the epoch) or later. As long as the answer is the same, so are the problems, but for what
 * cancels itself out: an exchange of some hundred bytes. Some cores write sums with few digits; the last number is
 * exact in any.
 */
export function digestQuery(table: Table, newest: number): string {
  const kinds = [...AT_A_GLANCE, ...(table === "services" ? OF_HOST_AT_A_GLANCE : [])];
  return [
    `GET ${table}`,
    NOT_WELL,
    ...["state != 0", ...kinds, "sum last_state_change", `last_state_change >= ${newest}`].map(
      (stat) => `Stats: ${stat}`,
    ),
  ].join("\n");
}

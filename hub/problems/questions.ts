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

/** What makes a problem another one at a glance: few values each, so there are few groups of them. */
const AT_A_GLANCE = {
  hosts: ["state", "state_type", "acknowledged", "scheduled_downtime_depth", "is_flapping"],
  services: [
    "state",
    "state_type",
    "acknowledged",
    "scheduled_downtime_depth",
    "is_flapping",
    "host_state",
    "host_scheduled_downtime_depth",
    "host_acknowledged",
  ],
} as const satisfies Record<Table, readonly string[]>;

const NOT_WELL = "Filter: state != 0\nFilter: has_been_checked = 1";

/** All problems of a site; at most `most`. */
export function problemsQuery(table: Table, most: number): string {
  return `GET ${table}\nColumns: ${COLUMNS[table].join(" ")}\n${NOT_WELL}\nLimit: ${most}`;
}

/**
 * The same in short: the number of problems of each kind, when they changed, and how many changed at `newest`
 * (s since the epoch) or later. As long as the answer is the same, so are the problems: an exchange of some hundred
 * bytes. Some cores write sums with few digits; the last number is exact in any.
 */
export function digestQuery(table: Table, newest: number): string {
  return [
    `GET ${table}`,
    `Columns: ${AT_A_GLANCE[table].join(" ")}`,
    NOT_WELL,
    "Stats: state != 0",
    "Stats: sum last_state_change",
    `Stats: last_state_change >= ${newest}`,
  ].join("\n");
}

/** Cells of a digest's row. */
export function digestWidth(table: Table): number {
  return AT_A_GLANCE[table].length + STATS;
}
export const STATS = 3;

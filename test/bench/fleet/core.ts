/** The query of the benchmark, and what each site's core says to it. */

/** A page of what is not well, over all tenants. */
export const PROBLEMS = [
  "GET services",
  "Columns: peer_key host_name description state plugin_output last_check last_state_change acknowledged",
  "Filter: state != 0",
].join("\n");

/** Services of one site that are not well: one in twenty of two hundred. */
export const PROBLEMS_OF_A_SITE = 10;

/** A fixed16 answer in JSON. */
export function answerOf(site: string): Buffer {
  const rows = Array.from({ length: PROBLEMS_OF_A_SITE }, (_, at) => [
    `${site}-host-${at}`,
    `Filesystem /var/lib/${at}`,
    1 + (at % 3),
    `CRITICAL - 97 % used of 80.0 GiB, mounted on /var/lib/${at} (warn/crit at 80 %/90 %)`,
    1_790_000_000 + at,
    1_789_990_000 + at,
    0,
  ]);
  const body = JSON.stringify(rows);
  return Buffer.from(`200 ${String(body.length).padStart(11)}\n${body}`);
}

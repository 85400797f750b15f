/** Times as people write them. */

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** ms of `30m`, `2h`, `7d`; undefined: it is none. */
export function durationOf(text: string): number | undefined {
  const [, count, unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  return count === undefined ? undefined : Number(count) * (UNITS[unit] ?? 0);
}

/** ms since the epoch of a date and time, in UTC unless it says otherwise; undefined: it is none. */
export function dateOf(text: string): number | undefined {
  const [, date, time, zone = "Z"] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?(Z|[+-]\d\d:\d\d)?$/.exec(text) ?? [];
  const at = date === undefined ? Number.NaN : Date.parse(`${date}T${time ?? "00:00"}${zone}`);
  return at >= 0 ? at : undefined;
}

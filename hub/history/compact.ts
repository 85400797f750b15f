/**
 * Measured values in two bytes each: on a logarithmic scale, so that milliseconds and megabytes a second have the same
 * three digits. A day of a thousand sites is tens of MiB instead of hundreds.
 */

/** Below this, values differ by less than the scale's steps. */
const UNIT = 0.01;
/** Largest value; larger ones are this. */
const MOST = 1e12;
/** 0 stands for nothing, 1 for 0. */
const CODES = 65_534;
const SCALE = CODES / Math.log1p(MOST / UNIT);

/** Of nothing measured. */
export const NOTHING = 0;

/** @param value 0 to 1e12; about 0.05 % exact, and 0.01 for small ones */
export function compact(value: number | undefined): number {
  if (value === undefined || !(value >= 0)) return NOTHING;
  return 1 + Math.round(SCALE * Math.log1p(Math.min(value, MOST) / UNIT));
}

export function expand(code: number): number | null {
  if (code === NOTHING) return null;
  const value = UNIT * Math.expm1((code - 1) / SCALE);
  // no more digits than it has
  return Number(value.toPrecision(4));
}

/** Spark lines: the points of an SVG polyline. */

/** Steps from left to right; those before the first value stay empty. */
export const SPARK_STEPS = 30;
export const SPARK_HEIGHT = 20;

/**
 * The last values at equal steps, the newest at the right edge, 0 at the bottom and the highest at the top; a gap
 * (undefined) is drawn through. Empty when there is no line to draw. Whole numbers: a page has a thousand of these.
 */
export function sparkPoints(values: readonly (number | undefined)[]): string {
  const last = values.slice(-SPARK_STEPS);
  const highest = last.reduce<number>((most, value) => Math.max(most, value ?? 0), 0);
  if (highest <= 0) return "";
  const left = SPARK_STEPS - last.length;
  // half of the line's width is left at both edges
  const scale = (SPARK_HEIGHT - 2) / highest;
  const points = last.flatMap((value, index) =>
    value === undefined
      ? []
      : [`${left + index},${SPARK_HEIGHT - 1 - Math.round(Math.max(0, value) * scale)}`],
  );
  return points.length < 2 ? "" : points.join(" ");
}

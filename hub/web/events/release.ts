/** Compares releases, as far as they are numbers with dots. */

/** Whether a release comes before another; no, where either does not say. */
export function isOlder(release: string, other: string): boolean {
  const [left, right] = [numbersOf(release), numbersOf(other)];
  if (!left || !right) return false;
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/** `1.20.3`, and what may stand behind that does not count. */
function numbersOf(release: string): number[] | undefined {
  const [numbers] = /^\d+(?:\.\d+)*/.exec(release) ?? [];
  return numbers?.split(".").map(Number);
}

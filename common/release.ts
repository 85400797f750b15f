/** Releases, as hub and agent tell each other, by which is the newer one (https://semver.org, section 11). */

const RELEASE = /^(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-([\da-z.-]{1,64}))?$/i;

/** Whether `one` is a release before `other`. What is no release is neither older nor newer. */
export function isOlder(one: string, other: string): boolean {
  const [a, b] = [RELEASE.exec(one), RELEASE.exec(other)];
  if (!a || !b) return false;
  for (const part of [1, 2, 3]) {
    const difference = Number(a[part]) - Number(b[part]);
    if (difference !== 0) return difference < 0;
  }
  return comparePrerelease(a[4], b[4]) < 0;
}

function comparePrerelease(one: string | undefined, other: string | undefined): number {
  if (one === other) return 0;
  // without one it is the release itself, which comes after
  if (one === undefined) return 1;
  if (other === undefined) return -1;
  const [a, b] = [one.split("."), other.split(".")];
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const difference = compareIdentifier(a[at], b[at]);
    if (difference !== 0) return difference;
  }
  return 0;
}

function compareIdentifier(one: string | undefined, other: string | undefined): number {
  if (one === undefined || other === undefined) return one === other ? 0 : one === undefined ? -1 : 1;
  const [a, b] = [one, other].map((each) => (/^\d+$/.test(each) ? Number(each) : undefined));
  if (a !== undefined && b !== undefined) return a - b;
  // numbers come before words
  if (a !== undefined || b !== undefined) return a === undefined ? 1 : -1;
  return one === other ? 0 : one < other ? -1 : 1;
}

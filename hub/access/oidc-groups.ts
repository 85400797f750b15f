/** What somebody may do, by the groups that an OpenID provider says he is in. */

import type { GroupRole } from "./oidc-config.ts";
import { ROLES, type Role } from "./principal.ts";

/** Groups that are looked at: some providers send hundreds, none should send more. */
const MOST_GROUPS = 5_000;

/** A claim's value as names of groups; providers send a list, or one name. */
export function groupsOf(claim: unknown): string[] {
  const list = Array.isArray(claim) ? claim.slice(0, MOST_GROUPS) : [claim];
  return list.filter((each): each is string => typeof each === "string");
}

/**
 * Nobody gets more than one of his groups gives. A role for all tenants goes before any other, the strongest first.
 * Of roles for tenants, who may command some tenants and only see others may only see all of these.
 * Undefined: no group of his is known here.
 */
export function standingOf(
  groups: readonly string[],
  known: Readonly<Record<string, GroupRole>>,
): { role: Role; tenants: string[] } | undefined {
  const given = groups.flatMap((name) => (Object.hasOwn(known, name) ? [known[name] as GroupRole] : []));
  const whole = ROLES.find((role) => given.some((each) => each.role === role && each.tenants.length === 0));
  if (whole) return { role: whole, tenants: [] };
  const [operated, seen] = (["tenant-operator", "tenant-viewer"] as const).map(
    (wanted) => new Set(given.filter(({ role }) => role === wanted).flatMap(({ tenants }) => tenants)),
  ) as [Set<string>, Set<string>];
  const all = operated.union(seen);
  if (all.size === 0) return undefined;
  const role = seen.isSubsetOf(operated) ? "tenant-operator" : "tenant-viewer";
  return { role, tenants: [...all].sort() };
}

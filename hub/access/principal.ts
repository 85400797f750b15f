/** Who asks, and what that role may do. The one table of rights. */

import { FarsiteError } from "../../common/errors.ts";
import type { Actor } from "../registry/index.ts";

export const ROLES = ["administrator", "operator", "tenant-operator", "tenant-viewer"] as const;
export type Role = (typeof ROLES)[number];

/**
 * - `see`: sites, their states and problems
 * - `command`: acknowledge, downtime, reschedule
 * - `registry`: add, change and remove tenants and sites; enrolment tokens
 * - `users`: users, and the API tokens of all of them
 * - `audit`: who did what
 * - `hub`: what is about the hub or about all tenants together: metrics, addresses, limits
 */
export const RIGHTS = ["see", "command", "registry", "users", "audit", "hub"] as const;
export type Right = (typeof RIGHTS)[number];

const RIGHTS_OF: Readonly<Record<Role, readonly Right[]>> = {
  administrator: RIGHTS,
  operator: ["see", "command", "audit", "hub"],
  "tenant-operator": ["see", "command", "audit"],
  "tenant-viewer": ["see"],
};

/** Roles that are for the tenants named with them; the others are for all. */
export function isTenantRole(role: Role): boolean {
  return role.startsWith("tenant-");
}

/** Before the name of whoever an OpenID provider vouched for; no local user has a colon in the name. */
const FOREIGN = "oidc:";

export function foreignName(name: string): string {
  return `${FOREIGN}${name}`;
}

export function isForeign(name: string): boolean {
  return name.startsWith(FOREIGN);
}

export interface Principal {
  /** A local user's name, or `oidc:NAME`; of the command line as the audit has it. */
  readonly name: string;
  readonly role: Role;
  readonly tenants: readonly string[] | "all";
  readonly via: "session" | "token" | "socket";
  /** An address, or "admin socket". */
  readonly from: string;
  /** Of a token: its name, and the rights to which it is held, none of which it has unless its user has. */
  readonly token?: { readonly name: string; readonly scope: readonly Right[] };
}

export function has({ role, token }: Principal, right: Right): boolean {
  return RIGHTS_OF[role].includes(right) && (token === undefined || token.scope.includes(right));
}

/** Throws E_FORBIDDEN; says nothing of what was asked for, which may not exist. */
export function demand(principal: Principal, right: Right): void {
  if (has(principal, right)) return;
  const { role, token } = principal;
  if (token && RIGHTS_OF[role].includes(right)) {
    const advice = `It needs the right ${right} in its scope, which stays as it is: make another token.`;
    throw new FarsiteError("E_FORBIDDEN", `the token ${token.name} may not do this`, advice);
  }
  const advice = `It needs the right ${right}; an administrator can give a role that has it.`;
  throw new FarsiteError("E_FORBIDDEN", `the role ${role} may not do this`, advice);
}

/** Whether a tenant is one of those that this principal may know of. */
export function knows({ tenants }: Principal, tenant: string): boolean {
  return tenants === "all" || tenants.includes(tenant);
}

/** As the audit names it. */
export function actorOf({ name, via, from, token }: Principal): Actor {
  if (via === "socket") return { who: name, from };
  return { who: token ? `token ${name}/${token.name}` : `user ${name}`, from };
}

/** Which tenants a role is given; throws E_REQUEST when they do not go together. */
export function checkTenants(role: Role, tenants: readonly string[]): void {
  if (isTenantRole(role) === tenants.length > 0) return;
  throw new FarsiteError(
    "E_REQUEST",
    isTenantRole(role)
      ? `the role ${role} is for tenants, and none is named`
      : `the role ${role} is for all tenants`,
    isTenantRole(role)
      ? "Name its tenants."
      : "Name no tenants, or take a role whose name begins with tenant-.",
  );
}

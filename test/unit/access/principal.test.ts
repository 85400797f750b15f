import { expect, test } from "vitest";
import {
  actorOf,
  has,
  isTenantRole,
  type Principal,
  RIGHTS,
  type Right,
  ROLES,
  type Role,
} from "../../../hub/access/index.ts";
import { demand, knows } from "../../../hub/access/principal.ts";

/** Written apart from the code: what docs/web.md promises of each role. */
const TABLE: Record<Role, Record<Right, boolean>> = {
  administrator: { see: true, command: true, registry: true, users: true, audit: true, hub: true },
  operator: { see: true, command: true, registry: false, users: false, audit: true, hub: true },
  "tenant-operator": { see: true, command: true, registry: false, users: false, audit: true, hub: false },
  "tenant-viewer": { see: true, command: false, registry: false, users: false, audit: false, hub: false },
};

function principal(role: Role, scope?: Right[]): Principal {
  const token = scope && { name: "script", scope };
  const tenants = isTenantRole(role) ? ["acme"] : "all";
  return { name: "alice", role, tenants, via: "session", from: "192.0.2.1", ...(token && { token }) };
}

test.each(ROLES.flatMap((role) => RIGHTS.map((right) => [role, right] as const)))("%s: %s", (role, right) => {
  const allowed = TABLE[role][right];
  expect(has(principal(role), right)).toBe(allowed);
  if (allowed) demand(principal(role), right);
  else expect(() => demand(principal(role), right)).toThrow(expect.objectContaining({ code: "E_FORBIDDEN" }));
});

test.each(ROLES)("a token gives of the rights of %s those of its scope, and no other", (role) => {
  for (const scope of [[], ...RIGHTS.map((right) => [right])])
    for (const right of RIGHTS)
      expect(has(principal(role, scope), right)).toBe(TABLE[role][right] && scope.includes(right));
});

test.each<[string, Principal]>([
  ["the role tenant-viewer may not", principal("tenant-viewer", ["hub"])],
  ["the token script may not", principal("operator", ["see"])],
])("what is refused says whether another role or another token would do: %s", (says, of) => {
  expect(() => demand(of, "hub")).toThrow(says);
});

test("a role of tenants knows those named with it, the others all", () => {
  expect(ROLES.filter(isTenantRole)).toEqual(["tenant-operator", "tenant-viewer"]);
  for (const role of ROLES) {
    expect(knows(principal(role), "acme")).toBe(true);
    expect(knows(principal(role), "globex")).toBe(!isTenantRole(role));
  }
});

test("the audit tells a user, a token and the command line apart", () => {
  const { token: _, ...user } = principal("operator");
  expect(actorOf(user)).toEqual({ who: "user alice", from: "192.0.2.1" });
  expect(actorOf({ ...principal("operator", []), via: "token" }).who).toBe("token alice/script");
  expect(actorOf({ ...user, name: "admin root", via: "socket" }).who).toBe("admin root");
});

import { expect, test } from "vitest";
import { groupsOf, standingOf } from "../../../hub/access/oidc-groups.ts";

const KNOWN = {
  admins: { role: "administrator", tenants: [] },
  noc: { role: "operator", tenants: [] },
  "acme-ops": { role: "tenant-operator", tenants: ["acme"] },
  "both-ops": { role: "tenant-operator", tenants: ["acme", "globex"] },
  "acme-look": { role: "tenant-viewer", tenants: ["acme"] },
  "globex-look": { role: "tenant-viewer", tenants: ["globex"] },
} as const;
const known = structuredClone(KNOWN) as unknown as Parameters<typeof standingOf>[1];

test.each([
  [[], undefined],
  [["strangers"], undefined],
  [["constructor", "__proto__"], undefined],
  [["admins"], ["administrator", []]],
  [
    ["noc", "admins", "acme-look"],
    ["administrator", []],
  ],
  [
    ["acme-look", "noc"],
    ["operator", []],
  ],
  [["acme-ops"], ["tenant-operator", ["acme"]]],
  [
    ["acme-ops", "acme-look"],
    ["tenant-operator", ["acme"]],
  ],
  [
    ["globex-look", "acme-look"],
    ["tenant-viewer", ["acme", "globex"]],
  ],
  [
    ["both-ops", "globex-look"],
    ["tenant-operator", ["acme", "globex"]],
  ],
  // one role for all of them: to command globex would be more than any group gives
  [
    ["acme-ops", "globex-look"],
    ["tenant-viewer", ["acme", "globex"]],
  ],
])("%j", (groups, expected) => {
  const found = standingOf(groups, known);
  expect(found && [found.role, found.tenants]).toEqual(expected);
});

test("a claim is read as what it is, whatever the provider sends", () => {
  expect(groupsOf(["a", 1, null, ["b"], "c"])).toEqual(["a", "c"]);
  expect(groupsOf("a")).toEqual(["a"]);
  for (const nothing of [undefined, null, 7, {}, { 0: "a" }]) expect(groupsOf(nothing)).toEqual([]);
  expect(groupsOf(Array.from({ length: 10_000 }, (_, at) => `g${at}`))).toHaveLength(5_000);
});

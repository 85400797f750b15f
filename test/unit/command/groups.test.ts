import { expect, test } from "vitest";
import { groupsToJoin } from "../../../agent/installation/index.ts";
import type { Found, Rights } from "../../../agent/omd/index.ts";

const site = (kind: Found["kind"], name: string, rights: Rights | undefined): Found => ({
  kind,
  name,
  version: undefined,
  edition: undefined,
  core: undefined,
  state: "running",
  livestatus: undefined,
  ports: {},
  services: {},
  rights,
  notes: [],
  problems: [],
});
const closed = (...groups: string[]): Rights => ({ state: "closed", groups });
const user = { exists: true };

test("the agent's user joins the group of an OMD site, and those of other cores", () => {
  expect(groupsToJoin(site("checkmk", "main", closed("main")), user)).toEqual(["main"]);
  expect(groupsToJoin(site("icinga2", "icinga2", closed("www-data", "nagios")), user)).toEqual([
    "www-data",
    "nagios",
  ]);
});

test.each(["docker", "shadow", "disk", "nagios", "second"])("not %s, where a link may lead", (group) => {
  expect(groupsToJoin(site("checkmk", "main", closed("main", group)), user)).toEqual([]);
});

test("nor any group where a core of the distribution has one of its own", () => {
  expect(groupsToJoin(site("nagios", "nagios", closed("sudo")), user)).toEqual([]);
});

test("nothing where it may open the socket, where no group would help, and where there is no such user", () => {
  for (const rights of [{ state: "open" }, { state: "unknown" }, { state: "shut", at: "/x" }] as const) {
    expect(groupsToJoin(site("omd", "main", rights), user)).toEqual([]);
  }
  expect(groupsToJoin(site("omd", "main", closed("main")), { exists: false })).toEqual([]);
  expect(groupsToJoin(site("omd", "main", undefined), user)).toEqual([]);
});

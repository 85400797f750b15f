import { describe, expect, test } from "vitest";
import { nagvisBackends, thrukPeers } from "../../../hub/checkmk/addons.ts";
import { pythonLiteral, Tuple } from "../../../hub/checkmk/python.ts";
import { sitesMk, spoolerMk } from "../../../hub/checkmk/sites-mk.ts";
import { dialectOf, hasSiteApi } from "../../../hub/checkmk/version.ts";
import { planOf, site } from "./rig.ts";

const TWO = [
  site("acme/main", "127.64.0.1", { services: ["livestatus", "http", "notify", "broker"] }),
  site("acme/old", "127.64.0.2", { state: "disabled" }),
  site("globex/east", "127.64.0.3", { services: ["livestatus"] }),
];

describe("a Python literal", () => {
  test.each([
    [null, "None"],
    [true, "True"],
    [-1.5, "-1.5"],
    ['a"\\\n\u00e9\u{1f600}\u2028\u007f', '"a\\"\\\\\\u000a\\u00e9\\U0001f600\\u2028\\u007f"'],
    [[], "[]"],
    [{}, "{}"],
    [new Tuple("unix", { path: "/x" }), '("unix", {\n    "path": "/x",\n})'],
    [new Tuple("one"), '("one",)'],
    [
      { a: [1, { b: null }] },
      '{\n    "a": [\n        1,\n        {\n            "b": None,\n        },\n    ],\n}',
    ],
  ])("of %j", (value, literal) => {
    expect(pythonLiteral(value)).toBe(literal);
  });
});

describe("a release of Checkmk", () => {
  test.each([
    ["2.1.0p40", { brokerPort: false, trusted: false, short: false }],
    ["2.3", { brokerPort: false, trusted: false, short: false }],
    ["2.3.0p25.cee", { brokerPort: false, trusted: false, short: false }],
    ["2.3.0p26", { brokerPort: false, trusted: false, short: true }],
    ["2.4", { brokerPort: true, trusted: false, short: true }],
    ["2.4.0b1", { brokerPort: true, trusted: false, short: true }],
    ["2.5.0", { brokerPort: true, trusted: true, short: true }],
    ["2.10.0", { brokerPort: true, trusted: true, short: true }],
    ["3.0.0b1", { brokerPort: true, trusted: true, short: true }],
    ["2026.03.01", { brokerPort: true, trusted: true, short: true }],
  ])("%s", (release, dialect) => {
    expect(dialectOf(release)).toEqual(dialect);
  });

  test.each(["", "2", "two", "2.x", "2.4 ", "-2.4"])("%j is none", (text) => {
    expect(() => dialectOf(text)).toThrow("not a release of Checkmk");
  });

  test("has site connections in its REST API since 2.2", () => {
    expect(["2.0.0p1", "2.1.0p40", "2.2.0", "2.4.0p3"].map(hasSiteApi)).toEqual([false, false, true, true]);
  });
});

describe("sites.mk", () => {
  test("has all that Checkmk wants to know of a site", () => {
    const text = sitesMk(planOf(TWO.slice(0, 1)), { version: "2.4", replicate: false });
    expect(text.split("\n").slice(1).join("\n")).toBe(`sites.update({
    "main": {
        "id": "main",
        "alias": "acme/main",
        "socket": ("tcp", {
            "address": ("127.64.0.1", 6557),
            "tls": ("plain_text", {}),
        }),
        "timeout": 2,
        "persist": False,
        "proxy": None,
        "disabled": False,
        "status_host": None,
        "url_prefix": "",
        "replication": None,
        "multisiteurl": "http://127.64.0.1:5000/main/check_mk/",
        "insecure": False,
        "disable_wato": True,
        "user_login": True,
        "replicate_ec": False,
        "replicate_mkps": False,
        "message_broker_port": 5673,
        "user_sync": None,
    },
})
`);
  });

  test.each([
    ["2.3", false, false],
    ["2.4", true, false],
    ["2.5", true, true],
  ])("of %s: message broker %s, trust %s", (version, broker, trusted) => {
    const text = sitesMk(planOf(TWO), { version, replicate: false });
    expect(text.includes('"message_broker_port": 5673')).toBe(broker);
    expect(text.includes('"message_broker_port": 5672')).toBe(broker);
    expect(text.includes('"is_trusted": False')).toBe(trusted);
    expect(text.includes('"user_sync"')).toBe(!trusted);
  });

  test("says which sites are not in it", () => {
    const text = sitesMk(planOf(TWO), { version: "2.4", replicate: false });
    expect(text).toMatch(/^# Written by farsite-hub /);
    expect(text).toContain("# acme/old is left out: it is disabled at the hub.\n");
  });

  test("refuses distributed setup with a site that cannot have it", () => {
    expect(() => sitesMk(planOf(TWO), { version: "2.4", replicate: true })).toThrow("not every site");
    const text = sitesMk(planOf(TWO.slice(0, 1)), { version: "2.4", replicate: true });
    expect(text).toContain('"replication": "slave"');
  });
});

test("the spooler is told of every site that has one", () => {
  const text = spoolerMk(planOf(TWO));
  expect(text).toContain('"address": "127.64.0.1"');
  expect(text).not.toContain("127.64.0.3");
  expect(text).toContain("# globex/east is left out: it has no service notify.");
});

test("NagVis gets a backend for each site", () => {
  const plan = planOf(TWO, {
    siteId: "{tenant}_{site}",
    statusHost: { site: "central", host: "{tenant}-{site}" },
  });
  expect(
    nagvisBackends(plan).split("\n").slice(1).join("\n"),
  ).toBe(`; acme/old is left out: it is disabled at the hub.

[backend_acme_main]
backendtype="mklivestatus"
socket="tcp:127.64.0.1:6557"
statushost="central:acme-main"

[backend_globex_east]
backendtype="mklivestatus"
socket="tcp:127.64.0.3:6557"
statushost="central:globex-east"
`);
});

test("Thruk gets a peer for each site, in a section of its tenant", () => {
  const text = thrukPeers(planOf(TWO.slice(0, 1), { unix: true }));
  expect(text.split("\n").slice(1).join("\n")).toBe(`<Component Thruk::Backend>
  <peer>
    name    = acme/main
    section = acme
    type    = livestatus
    <options>
      peer = /run/farsite-hub/acme/main/livestatus.sock
    </options>
  </peer>
</Component>
`);
});

test.each([nagvisBackends, thrukPeers])("%o refuses a path that its file might misread", (print) => {
  const plan = planOf([site("acme/main", "127.64.0.1")], { unix: true });
  for (const path of ["/run/a b.sock", '/run/"x.sock', "/run/#x.sock", "/run/$x.sock", "/run/x\n[y]"]) {
    const connections = plan.connections.map((each) => ({
      ...each,
      socket: { type: "unix" as const, path },
    }));
    expect(() => print({ connections, leftOut: [] })).toThrow("cannot hold surely");
  }
});

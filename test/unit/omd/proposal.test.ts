import { describe, expect, test } from "vitest";
import { adviceFor } from "../../../agent/command/advice.ts";
import { addProposals, proposalsFor, snippetOf } from "../../../agent/command/proposal.ts";
import { type AgentConfig, agentConfig, INITIAL_CONFIG } from "../../../agent/config.ts";
import type { Enrolment } from "../../../agent/enrolment/index.ts";
import type { Found } from "../../../agent/omd/index.ts";
import { parseConfig } from "../../../common/config/index.ts";
import { KeyPair } from "../../../common/noise/index.ts";
import { systemRandom } from "../../../common/random.ts";
import { account, detectSites } from "./rig.ts";

const sitesCalled = (...names: string[]): Found[] =>
  detectSites(names.map((name, nth) => ({ name, nth, version: "2.4.0.cre" }))).sites;

const identity = KeyPair.identity(systemRandom);
/** Enrolments `NAME=TENANT/SITE`; the first lies in the state directory itself. */
const enrolled = (...words: string[]): Enrolment[] =>
  words.map((word, index) => {
    const [name = "", path = ""] = word.split("=");
    const [tenant = "", site = ""] = path.split("/");
    const known = { url: "wss://hub.example", hubKey: "", tenant, site, identity };
    return { name, folder: `/state/${name}`, root: index === 0, enrolled: known };
  });

const config = (text = "") => parseConfig("agent.toml", text, agentConfig);
const tables = (found: Found[], enrolments: Enrolment[], of: AgentConfig = config()) =>
  proposalsFor(found, enrolments, of).map(({ table, site }) => `${table.join(".")}: ${site}`);

describe("what is found goes", () => {
  test.each<[string, string[], string[], string[]]>([
    ["to the one table of the one site", ["main"], ["main=acme/main"], ["services: main"]],
    ["there also before it is enrolled", ["main"], [], ["services: main"]],
    [
      "to a table for each before any is enrolled",
      ["a", "b"],
      [],
      ["sites.a.services: a", "sites.b.services: b"],
    ],
    ["only for the site that is enrolled", ["a", "b"], ["b=acme/b"], ["services: b"]],
    ["nowhere where the enrolled site is none of several", ["a", "b"], ["c=acme/c"], []],
    ["to the only enrolment where it is the only site", ["a"], ["c=acme/c"], ["services: a"]],
    [
      "to the tables of the enrolments' names",
      ["main"],
      ["main=acme/main", "beta-main=beta/main", "x=acme/other"],
      ["sites.main.services: main", "sites.beta-main.services: main"],
    ],
  ])("%s", (_, names, enrolments, expected) => {
    expect(tables(sitesCalled(...names), enrolled(...enrolments))).toEqual(expected);
  });

  test("below [sites] where agent.toml has it already", () => {
    const of = config('[sites.main.services]\nx = "tcp:h:1"\n');
    expect(tables(sitesCalled("main"), enrolled("main=acme/main"), of)).toEqual([
      "sites.main.services: main",
    ]);
  });
});

test("the Event Console's own socket is not proposed where commands are limited", () => {
  const found = sitesCalled("main");
  const ec = (text: string) => proposalsFor(found, [], config(text))[0]?.services.ec;
  expect(ec("")).toBe("unix:/omd/sites/main/tmp/run/mkeventd/status");
  expect(ec('[livestatus]\ncommands = "none"\n')).toBeUndefined();
  expect(ec('[sites.main.livestatus]\ncommands = ["A"]\n')).toBeUndefined();
});

test("what the agent itself takes for the central side is not proposed as a target", () => {
  const [main] = sitesCalled("main");
  const found = [
    { ...(main as Found), services: { http: "tcp:127.0.0.1:5000", "cmk-agent": "tcp:127.0.0.1:6556" } },
  ];
  for (const of of ["", "sites.main."]) {
    const [proposal] = proposalsFor(found, [], config(`[${of}listen]\nx = "tcp:127.0.0.1:6556"\n`));
    expect(proposal?.services).toEqual({ http: "tcp:127.0.0.1:5000" });
  }
});

describe("agent.toml", () => {
  const found = sitesCalled("main");
  const [main] = found as [Found];
  const add = (text: string, enrolments: Enrolment[] = [], sites = found) =>
    addProposals("agent.toml", text, proposalsFor(sites, enrolments, config(text)), enrolments);

  test("as proposed is an agent.toml, and offers what was found", () => {
    for (const sites of [found, sitesCalled("a", "b", "c")]) {
      const read = config(snippetOf(proposalsFor(sites, [], config())));
      const per = sites.length === 1 ? [read] : Object.values(read.sites);
      expect(per.map(({ services }) => Object.values(services).map(({ text }) => text))).toEqual(
        sites.map(({ services }) => Object.values(services)),
      );
    }
  });

  test("gets what it lacks, once", () => {
    const { text, added, kept } = add(INITIAL_CONFIG);
    expect(kept).toEqual([]);
    expect(added).toEqual(Object.entries(main.services).map(([name, to]) => `services.${name} = "${to}"`));
    for (const line of INITIAL_CONFIG.split("\n")) expect(text.split("\n")).toContain(line);
    expect(add(text)).toEqual({ text, added: [], kept: [] });
  });

  test("keeps what says otherwise, and gets the rest", () => {
    const { text, added, kept } = add('[services]\nhttp = "tcp:127.0.0.1:80"\nmine = "tcp:nas:1"\n');
    expect(kept).toEqual([
      { key: "services.http", present: "tcp:127.0.0.1:80", found: "tcp:127.0.0.1:5000" },
    ]);
    expect(added.map((line) => line.split(" ")[0])).toEqual([
      "services.livestatus",
      "services.ec",
      "services.broker",
    ]);
    expect(text).toContain('http = "tcp:127.0.0.1:80"\nmine = "tcp:nas:1"\n');
  });

  test("that speaks of the first site at its top level gives it a table of its own when a second comes", () => {
    const both = sitesCalled("main", "second");
    const before = '# mine\n[services]\nhttp = "tcp:127.0.0.1:80"\n\n[probe]\ninterval_seconds = 9\n';
    const { text, added } = add(before, enrolled("main=acme/main", "second=acme/second"), both);
    const { sites, services } = config(text);
    expect(services).toEqual({});
    expect(sites.main).toMatchObject({
      probe: { interval_seconds: 9 },
      services: { http: { text: "tcp:127.0.0.1:80" }, livestatus: { text: main.services.livestatus } },
    });
    expect(sites.second?.services.http?.text).toBe("tcp:127.0.0.1:5001");
    expect(added).toContain("[services] is [sites.main.services] now");
    expect(text.startsWith('# mine\n[sites.main.services]\nhttp = "tcp:127.0.0.1:80"\n')).toBe(true);
  });

  test("that is written otherwise is not touched", () => {
    expect(() => add('services = { mine = "tcp:nas:1" }\n')).toThrow(
      expect.objectContaining({ code: "E_CONFIG" }),
    );
  });
});

describe("what is to be done", () => {
  const advise = (found: Found[], enrolments: Enrolment[], who = account()) =>
    adviceFor({ found, proposals: proposalsFor(found, enrolments, config()), enrolments, account: who });
  const closed = (site: Found): Found => ({
    ...site,
    rights: { state: "closed", groups: ["main", "www-data"] },
  });
  const [main, second] = sitesCalled("main", "second") as [Found, Found];

  test("is nothing where all is there", () => {
    expect(advise([main], enrolled("main=acme/main"))).toEqual([]);
  });

  test("are the exact commands for rights that are missing", () => {
    expect(advise([closed(main)], enrolled("main=acme/main"))).toEqual([
      "main: the user farsite-agent may not open /omd/sites/main/tmp/run/live; as root: " +
        "usermod -aG main,www-data farsite-agent && systemctl restart farsite-agent",
    ]);
    expect(advise([closed(main)], enrolled("main=acme/main"), account({ exists: false }))).toEqual([
      expect.stringContaining("there is no user farsite-agent yet"),
    ]);
    const shut: Found = { ...main, rights: { state: "shut", at: "/omd/sites/main/tmp" } };
    expect(advise([shut], enrolled("main=acme/main"))).toEqual([
      expect.stringContaining("/omd/sites/main/tmp is closed"),
    ]);
  });

  test("is said only of what is proposed", () => {
    expect(advise([main, closed(second)], enrolled("main=acme/main"))).toEqual([
      "second: this agent is not enrolled for it; farsite-agent enroll TOKEN",
    ]);
  });

  test("begins with enrolment, where there is none", () => {
    expect(advise([main], [])).toEqual([expect.stringContaining("farsite-agent enroll TOKEN")]);
    expect(advise([], [])).toEqual([]);
  });

  test("is to have the same ID at both ends", () => {
    expect(advise([second], enrolled("main=acme/main"))).toEqual([
      expect.stringContaining("acme/main: this host's site is called second"),
    ]);
    expect(advise([main, second], enrolled("x=acme/third"))).toContain(
      "acme/third: no site of this host has the ID third",
    );
    const icinga: Found = { ...main, kind: "icinga2", name: "icinga2" };
    expect(advise([icinga], enrolled("main=acme/main"))).toEqual([
      "acme/main: icinga2 is taken to be this site",
    ]);
  });
});

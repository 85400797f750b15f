/** `farsite-hub site ...` */

import type { Command } from "commander";
import {
  ago,
  type Places,
  printJson,
  printLine,
  printTable,
  withPlaces,
} from "../../common/command/index.ts";
import { FarsiteError } from "../../common/errors.ts";
import { printable, visible } from "../../common/text.ts";
import type { Sync } from "../http/index.ts";
import type { NewToken, SiteDetails, SiteView } from "../hub.ts";
import type { Holds } from "../inbox/index.ts";
import { trafficText } from "../livestatus/index.ts";
import { parseSitePath } from "../registry/index.ts";
import { askHub } from "./client.ts";
import { printHistory, type SiteHistoryView } from "./site-history.ts";

interface Options extends Places {
  json?: boolean;
}

interface Changes {
  set?: string;
  add?: string;
  remove?: string;
}

export function addSite(program: Command): void {
  const site = program
    .command("site")
    .description("remote sites: add, list, show, token, enable, disable, ...");
  const command = (usage: string, description: string) =>
    withPlaces(site.command(usage).description(description), "farsite-hub");

  command("add <tenant/site>", "add a site and print the token that enrols its agent")
    .option("--services <names>", "services the central side may use, separated by commas; default all")
    .option("--json", "print JSON")
    .action(async (path: string, options: Options & { services?: string }) => {
      const { tenant, site: name } = parseSitePath(path);
      const services = options.services === undefined ? undefined : namesOf(options.services);
      const body = { name, ...(services && { services }) };
      printToken(
        await askHub<NewToken>(options, "POST", `/tenants/${encodeURIComponent(tenant)}/sites`, body),
        options,
      );
    });

  command("list [tenant]", "list the sites, of one tenant or all")
    .option("--json", "print JSON")
    .action(async (tenant: string | undefined, options: Options) => {
      const query = tenant === undefined ? "" : `?tenant=${encodeURIComponent(tenant)}`;
      const sites = await askHub<SiteView[]>(options, "GET", `/sites${query}`);
      if (options.json) return printJson(sites);
      printSites(sites);
    });

  command("show <tenant/site>", "show all that is known of a site")
    .option("--json", "print JSON")
    .action(async (path: string, options: Options) => {
      const details = await askHub<SiteDetails>(options, "GET", pathOf(path));
      if (options.json) return printJson(details);
      for (const [key, text] of detailTexts(details)) printLine(`${key.padEnd(12)} ${visible(text)}`);
    });

  command(
    "history <tenant/site>",
    "show when its agent came and why it went; with --json all of the last day",
  )
    .option("--json", "print JSON")
    .action(async (path: string, options: Options) => {
      const history = await askHub<SiteHistoryView>(options, "GET", `${pathOf(path)}/history`);
      if (options.json) return printJson(history);
      printHistory(history);
    });

  command("services <tenant/site>", "show or change which services the central side may use")
    .option("--set <names>", "exactly these, separated by commas")
    .option("--add <names>", "these besides")
    .option("--remove <names>", "not these any more")
    .option("--json", "print JSON")
    .action(async (path: string, options: Options & Changes) => {
      const { set, add, remove } = options;
      if (set !== undefined && (add !== undefined || remove !== undefined)) {
        throw new FarsiteError("E_USAGE", "--set names all services; it does not go with --add or --remove");
      }
      const present = (await askHub<SiteView>(options, "GET", pathOf(path))).services;
      const gone = namesOf(remove);
      const services = [
        ...new Set([...(set === undefined ? present : namesOf(set)), ...namesOf(add)]),
      ].filter((service) => !gone.includes(service));
      const changed = [set, add, remove].some((names) => names !== undefined);
      const now = changed
        ? (await askHub<SiteView>(options, "PUT", `${pathOf(path)}/services`, { services })).services
        : present;
      if (options.json) return printJson(now);
      for (const service of now) printLine(service);
    });

  command("token <tenant/site>", "make a new enrolment token; an unused older one ends")
    .option("--minutes <n>", "how long it can be used")
    .option("--json", "print JSON")
    .action(async (path: string, options: Options & { minutes?: string }) => {
      const minutes = options.minutes === undefined ? undefined : Number(options.minutes);
      if (minutes !== undefined && !(minutes >= 1 && minutes <= 10_080)) {
        throw new FarsiteError(
          "E_USAGE",
          `--minutes ${options.minutes}: a number from 1 to 10080 is expected`,
        );
      }
      const body = minutes === undefined ? {} : { minutes };
      printToken(await askHub<NewToken>(options, "POST", `${pathOf(path)}/token`, body), options);
    });

  const changes = [
    ["enable", "POST", "let a site's agent in again and open its endpoints"],
    ["disable", "POST", "cut a site off and close its endpoints, keeping everything"],
    ["rekey", "POST", "ask the agent for a new key; the present one is good until it comes with that"],
    ["revoke", "POST", "end the agent's key at once; the site needs a new token"],
  ] as const;
  for (const [verb, method, description] of changes) {
    command(`${verb} <tenant/site>`, description).action(async (path: string, places: Places) => {
      await askHub(places, method, `${pathOf(path)}/${verb}`);
    });
  }

  command("remove <tenant/site>", "remove a site, its keys and its address").action(
    async (path: string, places: Places) => {
      await askHub(places, "DELETE", pathOf(path));
    },
  );
}

function namesOf(list: string | undefined): string[] {
  return list === undefined ? [] : list.split(",").map((name) => name.trim());
}

export function pathOf(path: string): string {
  const { tenant, site } = parseSitePath(path);
  return `/tenants/${encodeURIComponent(tenant)}/sites/${encodeURIComponent(site)}`;
}

function printToken(made: NewToken, options: Options): void {
  if (options.json) return printJson(made);
  printLine(`${made.tenant}/${made.site} has the address ${made.address}.`);
  printLine(`On the customer's host, before ${made.expires}:\n`);
  printLine(`apt install ./farsite-agent_*.deb && farsite-agent enroll ${made.token}`);
  printLine(
    "\nAs root; with the package beside, or installed already: then without the first half. RHEL, SLES:",
  );
  printLine("dnf or zypper install ./farsite-agent-*.rpm instead. It works once.");
}

export function printSites(sites: SiteView[]): void {
  if (sites.length === 0) return printLine("No sites yet: farsite-hub site add TENANT/SITE");
  const now = Date.now();
  printTable(
    [
      "SITE",
      "ADDRESS",
      "STATE",
      "SINCE",
      "LIVESTATUS",
      "SINCE",
      "RTT",
      "STREAMS",
      "AGENT",
      "FROM",
      "OVER",
      "REASON",
    ],
    sites.map((site) => [
      `${site.tenant}/${site.site}`,
      site.address,
      site.pushOnly ? `${site.state}, push-only` : site.state,
      ago(site.since, now),
      site.livestatus.state,
      ago(site.livestatus.since, now),
      site.rtt === undefined ? "-" : `${site.rtt.toFixed(1)} ms`,
      String(site.streams),
      agentText(site),
      site.peer ?? "-",
      site.carrier ?? "-",
      // the site's reason is the tunnel's where that is what is wrong
      site.livestatus.reason ?? "",
    ]),
  );
}

/** Longest release that is shown, in UTF-16 units: it is what the agent says. */
const RELEASE = 16;

function agentText({ agent, update }: SiteView): string {
  if (!agent) return "-";
  return `${printable(agent.version, RELEASE)}${update ? ", older" : ""}`;
}

/** What is shown in words of its own. */
const shown: Record<string, (details: SiteDetails) => string | undefined> = {
  livestatus: livestatusText,
  policy: policyText,
  rtt: ({ rtt }) => (rtt === undefined ? undefined : `${rtt.toFixed(1)} ms`),
  requests: ({ requests }) => requests && trafficText(requests),
};

/** A site's details in lines, each with what it is about. */
function detailTexts(details: SiteDetails): [string, string][] {
  const { central: _, inbox: __, syncs, ...rest } = details;
  return [
    ...Object.entries(rest).map(([key, value]): [string, string] => [
      key,
      shown[key]?.(details) ?? textOf(value),
    ]),
    ...centralTexts(details).map((text): [string, string] => ["central", text]),
    ...syncs.map((sync): [string, string] => ["config sync", syncText(sync)]),
    ...inboxTexts(details).map((text, index): [string, string] => [index === 0 ? "inbox" : "", text]),
  ];
}

function textOf(value: unknown): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** `dead since ... (stopped): [Errno 111] Connection refused`, or what the core says of itself. */
function livestatusText({ livestatus }: SiteView): string {
  const { state, since, cause, reason, core } = livestatus;
  const what = `${state} since ${since}${cause === undefined ? "" : ` (${cause})`}`;
  if (core) return `${what}: ${textOf(core)}`;
  return reason === undefined ? what : `${what}: ${reason}`;
}

/** A line for each that the site may use, and for each that its agent listens for in vain. */
export function centralTexts({ central, listens = {} }: Pick<SiteView, "central" | "listens">): string[] {
  const allowed = central.map(({ line, target, from, open, opened, limited, unreachable, datagrams }) => {
    const use = datagrams
      ? `${datagrams.received} datagrams received, ${datagrams.sent} sent, ${datagrams.dropped} dropped, ${datagrams.lost} lost`
      : `${open} open, ${opened} opened, ${limited} over a limit, ${unreachable} unreachable`;
    return `${line} -> ${target}${from === undefined ? "" : ` from ${from}`}: ${use}`;
  });
  const known = new Set(central.map(({ line }) => line));
  const refused = Object.keys(listens).filter((line) => !known.has(line));
  return [
    ...allowed,
    ...refused.map((line) => `${line}: the agent listens for it, hub.toml does not allow it`),
  ];
}

/** `2026-01-31T12:00:00.000Z receive-config-sync: done in 3.1 s, 1234567 bytes to the site, 4 back`. */
function syncText({ time, command, ok, status, reason, seconds, sent, received }: Sync): string {
  const result = ok ? "done" : `failed (${[status, reason].filter((part) => part !== undefined).join(", ")})`;
  return `${time} ${command}: ${result} in ${seconds.toFixed(1)} s, ${sent} bytes to the site, ${received} back`;
}

/** As it would stand in hub.toml: `commands = "none", tables = "all", ...` */
function policyText({ policy }: SiteDetails): string {
  return Object.entries(policy)
    .map(([key, value]) => `${key} = ${JSON.stringify(value)}`)
    .join(", ");
}

function boxText(box: Omit<SiteView["inbox"][number], "problem" | "note" | "sinks">): string {
  const { lane, received, receivedPerMinute, refused, waiting, bytes, oldest } = box;
  const age = oldest === undefined ? "" : `, the oldest ${ago(oldest, Date.now())}`;
  return `${lane}: ${received} received, ${receivedPerMinute} in the last minute, ${refused} refused; ${waiting} waiting, ${bytes} bytes${age}`;
}

/** A line for each lane, and one for each of its sinks. */
function inboxTexts({ inbox }: SiteView): string[] {
  return inbox.flatMap(({ problem, note, sinks, ...box }) => [
    boxText(box),
    ...(problem === undefined ? [] : [`  ${problem}`]),
    ...(note === undefined ? [] : [`  ${note}`]),
    ...sinks.flatMap((sink) => [
      `  ${sink.kind} ${sink.sink}: ${sink.landed} landed, ${sink.landedPerMinute} in the last minute, ${sink.failed} failed; ${sink.waiting} waiting`,
      ...(sink.holds ? [`    ${holdsText(sink.holds)}`] : []),
      ...(sink.problem === undefined ? [] : [`    ${sink.problem}`]),
      ...(sink.note === undefined ? [] : [`    ${sink.note}`]),
    ]),
  ]);
}

function holdsText({ files, bytes, complete }: Holds): string {
  const when = complete === undefined ? "never complete yet" : `complete ${ago(complete, Date.now())} ago`;
  return `holds ${files} files, ${bytes} bytes; ${when}`;
}

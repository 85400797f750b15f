/** `farsite-hub problem ...` */

import type { Command } from "commander";
import {
  ago,
  type Places,
  printError,
  printJson,
  printLine,
  printTable,
  withPlaces,
} from "../../common/command/index.ts";
import { FarsiteError } from "../../common/errors.ts";
import type { CommandResult, Problem, ProblemCommand, ProblemPage } from "../problems/index.ts";
import { askHub } from "./client.ts";
import { pathOf } from "./site.ts";
import { dateOf, durationOf } from "./time.ts";

interface Options extends Places {
  json?: boolean;
}

interface ListOptions extends Options {
  tenant?: string;
  site?: string;
  state?: string;
  text?: string;
  all?: boolean;
  sort?: string;
  limit: string;
}

interface DowntimeOptions extends Options {
  comment: string;
  for?: string;
  from?: string;
  to?: string;
  services?: boolean;
}

const HELP = `
For example:
  farsite-hub problem list --tenant acme --state crit,down
  farsite-hub problem acknowledge acme/main web01 "CPU load" --comment "known, new machine on Friday"
  farsite-hub problem downtime acme/main web01 --services --for 2h --comment "new disk"`;

export function addProblem(program: Command): void {
  const problem = program
    .command("problem")
    .description(
      "what is not well, of all sites, and what is done about it: list, acknowledge, downtime, ...",
    )
    .addHelpText("after", HELP);
  const command = (usage: string, description: string) =>
    withPlaces(problem.command(usage).description(description), "farsite-hub");
  /** One that is about a host or service. */
  const about = (verb: string, description: string) =>
    command(`${verb} <tenant/site> <host> [service]`, description).option("--json", "print JSON");

  command("list", "show problems that nobody handles yet, the worst first")
    .option("--tenant <tenant>", "of one tenant")
    .option("--site <site>", "of sites of this name")
    .option("--state <states>", "only these, separated by commas: down, unreach, crit, unknown, warn")
    .option("--text <text>", "with this in host, service, site or output")
    .option("--all", "also those that are acknowledged, in a downtime, or of a host that is down")
    .option("--sort <key>", "by severity, since, site, host or service")
    .option("--limit <n>", "at most so many", "1000")
    .option("--json", "print JSON")
    .action(list);

  about("acknowledge", "tell a core that somebody knows of a problem")
    .requiredOption("--comment <text>", "what the others should know")
    .option("--no-sticky", "only until the state changes, rather than until it is well again")
    .option("--no-notify", "without telling the contacts")
    .option("--persistent", "keep the comment when the acknowledgement is gone")
    .action((path, host, service, options) => {
      const { comment, sticky, notify, persistent = false } = options;
      return give(path, host, service, options, { kind: "acknowledge", comment, sticky, notify, persistent });
    });

  about("unacknowledge", "take an acknowledgement back").action((path, host, service, options) =>
    give(path, host, service, options, { kind: "unacknowledge" }),
  );

  about("downtime", "set a downtime, from now or from a later time on")
    .requiredOption("--comment <text>", "what the others should know")
    .option("--for <duration>", "how long: 30m, 2h, 7d")
    .option("--from <time>", "a date and time in UTC such as 2026-01-31T13:00; default now")
    .option("--to <time>", "the same, instead of --for")
    .option("--services", "of a host: with all its services")
    .action((path, host, service, options: DowntimeOptions) =>
      give(path, host, service, options, downtimeOf(options, Date.now())),
    );

  about(
    "remove-downtime",
    "end the downtimes of a service, or of a host but not of its services; or one of them",
  )
    .option("--id <n>", "the downtime's number at its core")
    .action((path, host, service, options) => {
      const { id } = options;
      const number = id === undefined ? {} : { id: numberOf("--id", id) };
      return give(path, host, service, options, { kind: "remove-downtime", ...number });
    });

  about("recheck", "have a host or service checked now").action((path, host, service, options) =>
    give(path, host, service, options, { kind: "recheck" }),
  );
}

async function list({ json, all, state, limit, ...options }: ListOptions): Promise<void> {
  const { tenant, site, text, sort } = options;
  const wanted = {
    ...{ tenant, site, text, sort, limit },
    ...(state !== undefined && { states: state }),
    ...(!all && { handled: "false" }),
  };
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(wanted)) if (value !== undefined) query.set(key, value);
  const page = await askHub<ProblemPage>(options, "GET", `/problems?${query}`);
  if (json) return printJson(page);
  printPage(page);
}

function printPage({ problems, total, missing, cut }: ProblemPage): void {
  if (problems.length === 0) printLine("No such problems.");
  else {
    const now = Date.now();
    printTable(
      ["SITE", "STATE", "SINCE", "HOST", "SERVICE", "OUTPUT"],
      problems.map((problem) => [
        `${problem.tenant}/${problem.site}`,
        stateText(problem),
        problem.since === 0 ? "-" : ago(new Date(problem.since).toISOString(), now),
        problem.host,
        problem.service ?? "",
        problem.output,
      ]),
    );
  }
  if (total > problems.length) printError(`${total - problems.length} more: see --limit`);
  for (const { tenant, site, more } of cut) printError(`${tenant}/${site}: ${more} more are not held`);
  for (const { tenant, site, reason, shown } of missing) {
    printError(`${tenant}/${site} is ${shown ? "shown as it was" : "missing"}: ${reason}`);
  }
}

/** `CRIT`, `crit` while it is soft; with what else matters behind it. */
function stateText({ state, hard, acknowledged, downtime, ofHost, flapping }: Problem): string {
  const notes = [
    acknowledged && "acknowledged",
    (downtime || ofHost.downtime) && "downtime",
    flapping && "flapping",
  ];
  return [hard ? state.toUpperCase() : state, ...notes.filter((note) => note !== false)].join(", ");
}

async function give(
  path: string,
  host: string,
  service: string | undefined,
  options: Options,
  command: ProblemCommand,
): Promise<void> {
  const body = { host, ...(service !== undefined && { service }), command };
  const result = await askHub<CommandResult>(options, "POST", `${pathOf(path)}/problems`, body);
  if (options.json) printJson(result);
  if (result.outcome === "done") {
    if (!options.json) printLine("Done.");
    return;
  }
  const what = result.outcome === "sent" ? "it was sent, but" : "it was refused:";
  throw new FarsiteError("E_COMMAND", `${path}: ${what} ${result.reason}`);
}

/** @throws E_USAGE */
export function downtimeOf(options: Omit<DowntimeOptions, keyof Options>, now: number): ProblemCommand {
  const { comment, services = false } = options;
  if ((options.for === undefined) === (options.to === undefined)) {
    throw new FarsiteError("E_USAGE", "say how long it is with --for, or until when with --to");
  }
  const from = options.from === undefined ? now : momentOf("--from", options.from);
  const length = options.for === undefined ? undefined : durationOf(options.for);
  if (options.for !== undefined && length === undefined) {
    throw new FarsiteError("E_USAGE", `--for ${options.for}: a duration such as 30m, 2h or 7d is expected`);
  }
  const to = length === undefined ? momentOf("--to", options.to ?? "") : from + length;
  const seconds = (ms: number) => Math.floor(ms / 1000);
  return { kind: "downtime", comment, from: seconds(from), to: seconds(to), services };
}

function momentOf(option: string, text: string): number {
  const at = dateOf(text);
  if (at !== undefined) return at;
  throw new FarsiteError(
    "E_USAGE",
    `${option} ${text}: a date and time such as 2026-01-31T13:00 is expected`,
  );
}

function numberOf(option: string, text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new FarsiteError("E_USAGE", `${option} ${text}: a number is expected`);
}

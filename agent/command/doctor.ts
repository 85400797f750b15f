/** `farsite-agent doctor`: what stands between this host's services and the hub. */
import { hostname } from "node:os";
import type { Command } from "commander";
import { type Places, printJson, printLine, withPlaces } from "../../common/command/index.ts";
import { FarsiteError } from "../../common/errors.ts";
import { summaryOf } from "../../common/finding.ts";
import { VERSION } from "../../common/version.ts";
import { agentConfig } from "../config.ts";
import { exitStatus, linesOf, textToForward } from "../doctor/index.ts";
import { addressOf, routesFrom, routeText, viewOf } from "../route/index.ts";
import { examineAgent, examineHub, type Told } from "./checkup.ts";
import { readConfigIfAny } from "./config-file.ts";

interface Options extends Places {
  hub?: string;
  json?: boolean;
}

export function addDoctor(program: Command): void {
  withPlaces(program.command("doctor"), "farsite-agent")
    .argument("[site]", "only the site of this name, as `farsite-agent status` shows it")
    .description("look at the way to the hub, step by step, and at what this agent needs of this host")
    .option("--hub <url>", "look at the way to wss://HOST[:PORT] only; before enrolment, too")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      "\nExit status: 0 all well, 1 failed, 2 wrong usage; else what failed first. On the way: 10 name, 11 proxy,\n" +
        "12 connection, 13 TLS, 14 HTTP, 15 handshake, 16 the hub refuses, 17 the line. Here: 20 files, 21 the agent\n" +
        "itself, 22 clock, 23 a service, 24 a listener, 25 outbox.",
    )
    .action((site: string | undefined, options: Options) => doctor(site, options));
}

async function doctor(site: string | undefined, options: Options): Promise<void> {
  const time = new Date().toISOString();
  const told: Told[] = [];
  let heading = "";
  for await (const finding of options.hub === undefined
    ? examineAgent(site, options)
    : examineHub(checkedUrl(options.hub), options)) {
    if (told.push(finding) === 1 && !options.json) {
      printLine(`farsite-agent ${VERSION} on ${hostname()}, ${time}`);
    }
    if (options.json) continue;
    const title = [finding.site, finding.hub].filter(Boolean).join(": ");
    if (title !== heading) printLine(title === "" ? "" : `\n${title}`);
    heading = title;
    for (const line of linesOf(finding)) printLine(line);
  }
  const status = exitStatus(told);
  process.exitCode = status;
  if (options.json)
    return printJson({ version: VERSION, host: hostname(), time, exit: status, findings: told });
  printLine("");
  printLine(summaryOf(told));
  for (const line of forwarded(told, time, options)) printLine(line);
}

function checkedUrl(url: string): string {
  const checked = agentConfig.safeParse({ hub: { urls: [url] } });
  if (checked.success) return url;
  throw new FarsiteError(
    "E_USAGE",
    `--hub ${url} is no address of a hub`,
    "It is wss://HOST or wss://HOST:PORT.",
  );
}

/** The text for others, about each of the hub's addresses to which something is wrong. */
export function* forwarded(
  told: readonly Told[],
  time: string,
  { config }: Pick<Places, "config">,
): Generator<string> {
  const hubs = new Set(told.flatMap(({ hub }) => hub ?? []));
  for (const url of hubs) {
    const routeTo = routesFrom(readConfigIfAny(config).proxy, process.env);
    const { host, port } = addressOf(url);
    const about = {
      host: hostname(),
      time,
      hub: `${host} port ${port}`,
      route: routeText(viewOf(routeTo(url))),
    };
    const lines = textToForward(
      told.filter(({ hub }) => hub === url),
      about,
    );
    if (lines.length > 0) yield* ["", ...lines];
  }
}

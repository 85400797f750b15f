/** `farsite-agent enroll TOKEN`: one paste, and this host's agent belongs to its site and is connected. */
import { type Command, Option } from "commander";
import { type Places, printJson, withPlaces } from "../../common/command/index.ts";
import { FarsiteError } from "../../common/errors.ts";
import { ensureDirectory } from "../../common/files.ts";
import type { EnrolmentToken } from "../../common/handshake/index.ts";
import { findEnrolments, type Place } from "../enrolment/index.ts";
import { isInstalled, type Start, startUnit } from "../installation/index.ts";
import { routesFrom } from "../route/index.ts";
import { enrolmentName, readTokenId } from "../state.ts";
import { readConfigIfAny, writeInitialConfig } from "./config-file.ts";
import { awaitConnection, stateNow, type Wait } from "./enroll-connection.ts";
import { foreignProxy, join } from "./enroll-join.ts";
import { jsonOf, reportConnection, reportProxy, reportServices } from "./enroll-report.ts";
import { type ServicesOptions, type SiteServices, settleServices } from "./enroll-services.ts";
import { idOf, tokenFrom } from "./enroll-token.ts";

interface Options extends Places, ServicesOptions {
  name?: string;
  tokenFile?: string;
  start: boolean;
  wait?: string;
  force?: boolean;
  json?: boolean;
}

/** Enrolled, but the hub does not have it as connected within the time. */
const EXIT_NOT_CONNECTED = 3;
/** Seconds for the hub to say so. */
const USUAL_WAIT = 30;
const LONGEST_WAIT = 3_600;

export function addEnroll(program: Command): void {
  withPlaces(program.command("enroll"), "farsite-agent")
    .argument("[token]", "the token; - reads it from standard input, and without one FARSITE_TOKEN is used")
    .description("enrol this agent with the token that `farsite-hub site add` printed, and connect it")
    .option("--token-file <file>", "read the token from a file")
    .option("--name <name>", "what agent.toml calls this site below [sites], where this agent serves several")
    .option("--detect", "add to agent.toml what is found of this site, also where it names services already")
    .option("--no-detect", "write nothing of what is found into agent.toml, only show it")
    .option("--no-join", "do not make the agent's user a member of the group that opens the site's socket")
    .option("--no-start", "do not start the service")
    .option("--wait <seconds>", `how long to wait for the connection; 0 does not (default: ${USUAL_WAIT})`)
    .addOption(new Option("--root <dir>", "the folder that stands for /").default("/").hideHelp())
    .option("--force", "give up an enrolment that is there")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      "\nAs root it starts the service where systemd runs the host, and waits until the hub says that it is connected.\n" +
        "The same token again, where this agent was enrolled with it, changes nothing at the hub.\n\n" +
        "Exit status: 0 done, 1 not enrolled, 2 wrong usage, 3 enrolled, but not connected in time.",
    )
    .action((token: string | undefined, options: Options) => enroll(token, options));
}

async function enroll(argument: string | undefined, options: Options): Promise<void> {
  const { stateDir, config: file, force = false, json } = options;
  const name = checkedName(options.name);
  const seconds = checkedWait(options.wait);
  const token = tokenFrom({ argument, file: options.tokenFile, environment: process.env });
  const config = readConfigIfAny(file);
  ensureDirectory(stateDir, 0o700);
  const known = force ? undefined : enrolledWith(token, stateDir);
  writeInitialConfig(file);
  const routeTo = routesFrom(config.proxy, process.env);
  const place = known ?? (await join(token, { stateDir, config, routeTo, name, force }));
  const installed = isInstalled(options) && options.root === "/";
  const services = settleServices(config, place, { ...options, join: options.join && installed });
  if (!json) {
    reportServices(config, services, { file, known: known !== undefined });
    reportProxy(foreignProxy(routeTo, token.url), file);
  }
  const start = await started(services, { ...options, known: known !== undefined, installed });
  const wait: Wait = { name: services.mine.name, runDir: options.runDir, quiet: json === true };
  const waits = seconds ?? (start.kind === "started" ? USUAL_WAIT : 0);
  const reached = waits > 0 ? await awaitConnection(wait, waits) : undefined;
  if (json) {
    printJson(await jsonOf(services, { file, changed: !known, start, reached, places: options }));
  } else await reportConnection(services, { start, reached, places: options });
  const failed = start.kind === "failed" || (reached !== undefined && !reached.connected);
  if (failed) process.exitCode = EXIT_NOT_CONNECTED;
}

/** The enrolment that came about with this very token: who manages many hosts runs the same command again and again. */
function enrolledWith(token: EnrolmentToken, stateDir: string): Place | undefined {
  const id = idOf(token);
  return findEnrolments(stateDir).enrolments.find(({ folder }) => readTokenId(folder) === id);
}

interface Starting extends Options {
  known: boolean;
  installed: boolean;
}

/** Starts the service, unless it runs with all that is true now. */
async function started(services: SiteServices, options: Starting): Promise<Start> {
  const { known, installed, start, runDir } = options;
  const changed = !known || services.joined.length > 0 || (services.written?.added.length ?? 0) > 0;
  if (!changed && (await stateNow({ name: services.mine.name, runDir })) !== undefined) {
    return { kind: "started" };
  }
  return installed && start ? startUnit() : { kind: "none" };
}

function checkedName(name: string | undefined): string | undefined {
  const checked = enrolmentName.optional().safeParse(name);
  if (checked.success) return checked.data;
  throw new FarsiteError("E_USAGE", `--name ${name}: ${checked.error.issues[0]?.message}`);
}

function checkedWait(wait: string | undefined): number | undefined {
  if (wait === undefined) return undefined;
  const seconds = wait.trim() === "" ? Number.NaN : Number(wait);
  if (seconds >= 0 && seconds <= LONGEST_WAIT) return seconds;
  throw new FarsiteError("E_USAGE", `--wait ${wait}: a number from 0 to ${LONGEST_WAIT} is expected`);
}

/** `farsite-agent enroll TOKEN`: one paste, and this host's agent belongs to its site. */

import { readFileSync } from "node:fs";
import { type Command, Option } from "commander";
import { systemClock } from "../../common/clock.ts";
import { type Places, printLine, withPlaces } from "../../common/command/index.ts";
import { FarsiteError } from "../../common/errors.ts";
import { ensureDirectory } from "../../common/files.ts";
import { decodeToken } from "../../common/handshake/index.ts";
import { silentLog } from "../../common/log.ts";
import { KeyPair } from "../../common/noise/index.ts";
import { systemRandom } from "../../common/random.ts";
import { placeFor, refuseUnknown } from "../enrolment/index.ts";
import { routesFrom, viewOf } from "../route/index.ts";
import { enrolmentName, readPending, removePending, writeEnrolled, writePending } from "../state.ts";
import { type Accepted, enrol, fetchCertificate, withAdvice } from "../tunnel/index.ts";
import { readConfigIfAny, writeInitialConfig } from "./config-file.ts";
import { reportEnrolled } from "./enrolled.ts";
import { wayOut } from "./way-out.ts";

interface Options extends Places {
  name?: string;
  root: string;
  detect?: boolean;
  force?: boolean;
  json?: boolean;
}

export function addEnroll(program: Command): void {
  withPlaces(program.command("enroll"), "farsite-agent")
    .argument("[token]", "the token; - reads it from standard input, and without one FARSITE_TOKEN is used")
    .description("enrol this agent at a hub with the token that `farsite-hub site add` printed")
    .option("--name <name>", "what agent.toml calls this site below [sites], where this agent serves several")
    .option("--detect", "add to agent.toml what is found of this site on this host")
    .addOption(new Option("--root <dir>", "the folder that stands for /").default("/").hideHelp())
    .option("--force", "give up an enrolment that is there")
    .option("--json", "print JSON")
    .action((token: string | undefined, options: Options) => enroll(token, options));
}

async function enroll(given: string | undefined, options: Options): Promise<void> {
  const text = given === "-" ? readFileSync(0, "utf8") : (given ?? process.env.FARSITE_TOKEN);
  if (text === undefined) throw new FarsiteError("E_USAGE", "a token is missing: farsite-agent enroll TOKEN");
  const token = decodeToken(text);
  const config = readConfigIfAny(options.config);
  const { stateDir, force = false } = options;
  const name = checkedName(options.name);
  ensureDirectory(stateDir, 0o700);
  refuseUnknown(stateDir, force);
  writeInitialConfig(options.config);
  const clock = systemClock;
  const random = systemRandom;
  const timeout = config.limits.handshake_seconds * 1000;
  const routeTo = routesFrom(config.proxy, process.env);
  const out = (certificate?: string) => wayOut({ config, routeTo, certificate, log: silentLog });
  const certificate =
    token.certificate &&
    (await fetchCertificate(token.url, token.certificate, { open: out().open, clock, timeout }));
  const tokenId = Buffer.from(token.id).toString("hex");
  const identity = readPending(stateDir, tokenId) ?? KeyPair.identity(random);
  const hubKey = Buffer.from(token.hubKey);
  const siteOf = ({ tenant, site }: Accepted) => ({ tenant, site, hubKey: hubKey.toString("base64") });
  const wishes = { name, force, named: Object.keys(config.sites) };
  // both before the hub uses the token up: what would go wrong must not cost it
  const keep = (accepted: Accepted) => {
    placeFor(stateDir, siteOf(accepted), wishes);
    writePending(stateDir, { token: tokenId, identity });
  };
  const accepted = await out(certificate)
    .carriers.open({ url: token.url, timeout }, (carrier) =>
      enrol(carrier, token, keep, { identity, hubKey, clock, random, timeout }),
    )
    .catch((error: unknown) => {
      throw withAdvice(error);
    });
  const place = placeFor(stateDir, siteOf(accepted), wishes);
  ensureDirectory(place.folder, 0o700);
  writeEnrolled(place.folder, {
    identity,
    url: token.url,
    ...(certificate && { certificate }),
    ...siteOf(accepted),
  });
  removePending(stateDir);
  reportEnrolled(config, place, options);
  const route = viewOf(routeTo(token.url));
  if (!options.json && route.kind === "proxy" && route.from !== "agent.toml") {
    printLine(
      `It went through the proxy ${route.proxy}, which ${route.from} names here. A service has another`,
    );
    printLine(`environment: name the proxy in ${options.config}, too.`);
  }
}

function checkedName(name: string | undefined): string | undefined {
  const checked = enrolmentName.optional().safeParse(name);
  if (checked.success) return checked.data;
  throw new FarsiteError("E_USAGE", `--name ${name}: ${checked.error.issues[0]?.message}`);
}

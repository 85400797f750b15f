/** `farsite-agent enroll TOKEN`: one paste, and this host's agent belongs to its site. */

import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Command } from "commander";
import { systemClock } from "../../common/clock.ts";
import { type Places, printJson, printLine, withPlaces } from "../../common/command/index.ts";
import { loadConfig } from "../../common/config/index.ts";
import { FarsiteError, reasonOf } from "../../common/errors.ts";
import { ensureDirectory, writeFileAtomic } from "../../common/files.ts";
import { decodeToken } from "../../common/handshake/index.ts";
import { silentLog } from "../../common/log.ts";
import { KeyPair } from "../../common/noise/index.ts";
import { systemRandom } from "../../common/random.ts";
import { type AgentConfig, agentConfig, INITIAL_CONFIG } from "../config.ts";
import { routesFrom, viewOf } from "../route/index.ts";
import { isEnrolled, readPending, writeEnrolled, writePending } from "../state.ts";
import { enrol, fetchCertificate, withAdvice } from "../tunnel/index.ts";
import { wayOut } from "./way-out.ts";

interface Options extends Places {
  force?: boolean;
  json?: boolean;
}

export function addEnroll(program: Command): void {
  withPlaces(program.command("enroll"), "farsite-agent")
    .argument("[token]", "the token; - reads it from standard input, and without one FARSITE_TOKEN is used")
    .description("enrol this agent at a hub with the token that `farsite-hub site add` printed")
    .option("--force", "give up an enrolment that is there")
    .option("--json", "print JSON")
    .action((token: string | undefined, options: Options) => enroll(token, options));
}

async function enroll(given: string | undefined, options: Options): Promise<void> {
  const text = given === "-" ? readFileSync(0, "utf8") : (given ?? process.env.FARSITE_TOKEN);
  if (text === undefined) throw new FarsiteError("E_USAGE", "a token is missing: farsite-agent enroll TOKEN");
  const token = decodeToken(text);
  const config = readConfig(options.config);
  ensureDirectory(options.stateDir, 0o700);
  if (isEnrolled(options.stateDir) && !options.force) {
    throw new FarsiteError(
      "E_ALREADY_ENROLLED",
      `this agent is enrolled already: ${options.stateDir} holds a key`,
      "Add --force to give that enrolment up and take the new one.",
    );
  }
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
  const identity = readPending(options.stateDir, tokenId) ?? KeyPair.identity(random);
  const hubKey = Buffer.from(token.hubKey);
  const keep = () => writePending(options.stateDir, { token: tokenId, identity });
  const accepted = await out(certificate)
    .carriers.open({ url: token.url, timeout }, (carrier) =>
      enrol(carrier, token, keep, { identity, hubKey, clock, random, timeout }),
    )
    .catch((error: unknown) => {
      throw withAdvice(error);
    });
  writeEnrolled(options.stateDir, {
    identity,
    url: token.url,
    hubKey: hubKey.toString("base64"),
    ...(certificate && { certificate }),
    tenant: accepted.tenant,
    site: accepted.site,
  });
  report(accepted, options, Object.keys(config.services).length);
  const route = viewOf(routeTo(token.url));
  if (!options.json && route.kind === "proxy" && route.from !== "agent.toml") {
    printLine(
      `It went through the proxy ${route.proxy}, which ${route.from} names here. A service has another`,
    );
    printLine(`environment: name the proxy in ${options.config}, too.`);
  }
}

/** The configuration if there is one: what is wrong with it is said now, not after the token is used. */
function readConfig(path: string): AgentConfig {
  return existsSync(path) ? loadConfig(path, agentConfig) : agentConfig.parse({});
}

/** Written before the token is used: a folder that cannot be written must not cost a token. */
function writeInitialConfig(path: string): void {
  if (existsSync(path)) return;
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch (error) {
    throw new FarsiteError(
      "E_CONFIG",
      `the folder of ${path} cannot be made: ${reasonOf(error)}`,
      "Run as root, or name a file of your own with --config.",
    );
  }
  writeFileAtomic(path, INITIAL_CONFIG, 0o644);
}

function report(accepted: { tenant: string; site: string }, options: Options, services: number): void {
  const { tenant, site } = accepted;
  if (options.json) return printJson({ tenant, site, config: options.config });
  printLine(`Enrolled as ${tenant}/${site}.`);
  if (services === 0) printLine(`Now name this site's services in ${options.config}; it offers none yet.`);
  printLine("Start it with: farsite-agent run (or systemctl start farsite-agent)");
}

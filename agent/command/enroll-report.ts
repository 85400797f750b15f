/** What `enroll` says: who this agent is now, what was done on this host, and how the connection is. */

import type { Places } from "../../common/command/index.ts";
import { printLine } from "../../common/command/index.ts";
import { type AgentConfig, topLevelKeys } from "../config.ts";
import { linesOf } from "../doctor/index.ts";
import type { Enrolment } from "../enrolment/index.ts";
import { type Start, UNIT } from "../installation/index.ts";
import { examineAgent, type Told } from "./checkup.ts";
import { printProposals } from "./detect.ts";
import { forwarded } from "./doctor.ts";
import type { Reached } from "./enroll-connection.ts";
import { isOfMany, type SiteServices } from "./enroll-services.ts";
import { coreLine } from "./status.ts";

/** Says who this agent is, and what became of agent.toml. */
export function reportServices(
  config: AgentConfig,
  { mine, others, silent, survey, written, joined }: SiteServices,
  { file, known }: { file: string; known: boolean },
): void {
  const { tenant, site } = mine.enrolled;
  printLine(
    known ? `Enrolled as ${tenant}/${site} before, with this token.` : `Enrolled as ${tenant}/${site}.`,
  );
  if (others.length > 0) {
    printLine(
      `This agent serves ${others.map(describe).join(", ")} as well. It calls this site ${mine.name}.`,
    );
    if (!written) adviseMove(config, [mine, ...others], file);
  }
  if (joined.length > 0) {
    printLine(`The agent's user is in the group ${joined.join(", ")} now, to open the site's socket.`);
  }
  if (silent && !written?.added.length && !config.push_only) {
    const below = isOfMany(config, others) ? `, below [sites.${mine.name}.services]` : "";
    printLine(`Now name this site's services in ${file}${below}; it offers none yet.`);
  }
  if (survey) printProposals(survey, file, written);
}

/** A service has another environment than the shell in which its proxy is named. */
export function reportProxy(route: { proxy: string; from: string } | undefined, file: string): void {
  if (!route) return;
  printLine(
    `It went through the proxy ${route.proxy}, which ${route.from} names here. A service has another`,
  );
  printLine(`environment: name the proxy in ${file}, too.`);
}

function describe({ name, enrolled: { tenant, site } }: Enrolment): string {
  return name === site ? `${tenant}/${site}` : `${tenant}/${site} (${name})`;
}

/** What is at the top level is of the first site alone, and cannot stay there beside [sites]. */
function adviseMove(config: AgentConfig, enrolments: readonly Enrolment[], file: string): void {
  const first = enrolments.find(({ root }) => root);
  const keys = topLevelKeys(config);
  if (!first || keys.length === 0) return;
  const moves = keys.map((key) => `[${key}] becomes [sites.${first.name}.${key}]`);
  printLine(`In ${file} ${moves.join(", ")}. Until then only ${describe(first)} is served, as before.`);
}

export interface Outcome {
  start: Start;
  /** Undefined where nobody waited. */
  reached: Reached | undefined;
  places: Places;
}

/** Says how the connection is, or what is left to do for one. */
export async function reportConnection(
  { mine }: SiteServices,
  { start, reached, places }: Outcome,
): Promise<void> {
  printLine("");
  if (start.kind === "failed") {
    printLine(`The service does not start: ${start.reason}`);
    printLine(`journalctl -u ${UNIT} -n 20 says more; then: systemctl restart ${UNIT}`);
    return;
  }
  if (!reached) {
    if (start.kind === "none")
      printLine("Start it with: farsite-agent run (or systemctl restart farsite-agent)");
    return;
  }
  const { connected, seconds, status } = reached;
  if (connected) {
    printLine(`Connected to ${status?.url} after ${seconds.toFixed(1)} s.`);
    if (status?.core) printLine(coreLine(status.core));
    return;
  }
  printLine(
    `Not connected after ${seconds.toFixed(0)} s.${status ? "" : " No agent runs."} What is in the way:\n`,
  );
  const told = await whatIsWrong(mine.name, places);
  for (const finding of told.filter(isWrong)) for (const line of linesOf(finding)) printLine(line);
  for (const line of forwarded(told, new Date().toISOString(), places)) printLine(line);
  printLine("\nThe enrolment stands; the token is not needed again. The agent goes on trying while it runs.");
  printLine("To look again: farsite-agent doctor");
}

const isWrong = ({ state }: Told) => state === "problem" || state === "warning";

async function whatIsWrong(name: string, places: Places): Promise<Told[]> {
  const told: Told[] = [];
  for await (const finding of examineAgent(name, places)) told.push(finding);
  return told;
}

/** The same for scripts. */
export async function jsonOf(
  { mine, written, joined }: SiteServices,
  { file, changed, start, reached, places }: Outcome & { file: string; changed: boolean },
): Promise<unknown> {
  const { tenant, site } = mine.enrolled;
  const core = reached?.status?.core;
  return {
    tenant,
    site,
    name: mine.name,
    config: file,
    changed,
    ...(written && { added: written.added, kept: written.kept }),
    ...(joined.length > 0 && { joined }),
    service: start.kind,
    ...(start.kind === "failed" && { reason: start.reason }),
    ...(reached && { connected: reached.connected, seconds: Number(reached.seconds.toFixed(3)) }),
    ...(core && { core }),
    ...(reached &&
      !reached.connected && { findings: (await whatIsWrong(mine.name, places)).filter(isWrong) }),
  };
}

/** What `enroll` says when it is done: who this agent is now, and what is left to do in agent.toml. */
import { printJson, printLine } from "../../common/command/index.ts";
import { type AgentConfig, topLevelKeys } from "../config.ts";
import { type Enrolment, findEnrolments, type Place } from "../enrolment/index.ts";

export interface EnrolledOptions {
  config: string;
  stateDir: string;
  json?: boolean;
}

/** Says it for the enrolment at `place`, which is in the state directory now. */
export function reportEnrolled(config: AgentConfig, place: Place, options: EnrolledOptions): void {
  const { enrolments } = findEnrolments(options.stateDir);
  const mine = enrolments.find(({ folder }) => folder === place.folder);
  if (!mine) return;
  const { tenant, site } = mine.enrolled;
  if (options.json) return printJson({ tenant, site, name: mine.name, config: options.config });
  printLine(`Enrolled as ${tenant}/${site}.`);
  const others = enrolments.filter((each) => each !== mine);
  if (others.length > 0) {
    printLine(
      `This agent serves ${others.map(describe).join(", ")} as well. It calls this site ${mine.name}.`,
    );
    adviseMove(config, enrolments, options.config);
  }
  const ofMany = others.length > 0 || Object.keys(config.sites).length > 0;
  const services = ofMany ? config.sites[mine.name]?.services : config.services;
  if (Object.keys(services ?? {}).length === 0) {
    const below = ofMany ? `, below [sites.${mine.name}.services]` : "";
    printLine(`Now name this site's services in ${options.config}${below}; it offers none yet.`);
  }
  printLine("Start it with: farsite-agent run (or systemctl restart farsite-agent)");
}

function describe({ name, enrolled: { tenant, site } }: Enrolment): string {
  return name === site ? `${tenant}/${site}` : `${tenant}/${site} (${name})`;
}

/** What is at the top level is of the first site alone, and cannot stay there beside [sites]. */
function adviseMove(config: AgentConfig, [first]: readonly Enrolment[], file: string): void {
  const keys = topLevelKeys(config);
  if (!first?.root || keys.length === 0) return;
  const moves = keys.map((key) => `[${key}] becomes [sites.${first.name}.${key}]`);
  printLine(`In ${file} ${moves.join(", ")}. Until then only ${describe(first)} is served, as before.`);
}

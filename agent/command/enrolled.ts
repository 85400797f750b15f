/** What `enroll` says when it is done: who this agent is now, and what is left to do in agent.toml. */
import { printJson, printLine } from "../../common/command/index.ts";
import { FarsiteError } from "../../common/errors.ts";
import { type AgentConfig, topLevelKeys } from "../config.ts";
import { type Enrolment, findEnrolments, type Place } from "../enrolment/index.ts";
import { printProposals } from "./detect.ts";
import type { Edited } from "./proposal.ts";
import { type Survey, type SurveyOptions, surveyHost, writeProposals } from "./survey.ts";

export interface EnrolledOptions extends SurveyOptions {
  json?: boolean;
  /** Whether what is found of the site on this host is written into agent.toml. */
  detect?: boolean;
}

/** Says it for the enrolment at `place`, which is in the state directory now. */
export function reportEnrolled(config: AgentConfig, place: Place, options: EnrolledOptions): void {
  const { enrolments } = findEnrolments(options.stateDir);
  const mine = enrolments.find(({ folder }) => folder === place.folder);
  if (!mine) return;
  const { tenant, site } = mine.enrolled;
  const ofMany = enrolments.length > 1 || Object.keys(config.sites).length > 0;
  const services = ofMany ? config.sites[mine.name]?.services : config.services;
  const silent = Object.keys(services ?? {}).length === 0;
  const survey = silent || options.detect ? surveyOf(mine, options) : undefined;
  const written = survey && options.detect ? writeIfAllowed(survey, options.config) : undefined;
  if (options.json) {
    const { added, kept } = written ?? {};
    return printJson({
      tenant,
      site,
      name: mine.name,
      config: options.config,
      ...(written && { added, kept }),
    });
  }
  printLine(`Enrolled as ${tenant}/${site}.`);
  const others = enrolments.filter((each) => each !== mine);
  if (others.length > 0) {
    printLine(
      `This agent serves ${others.map(describe).join(", ")} as well. It calls this site ${mine.name}.`,
    );
    if (!written) adviseMove(config, enrolments, options.config);
  }
  if (silent && !written?.added.length) {
    const below = ofMany ? `, below [sites.${mine.name}.services]` : "";
    printLine(`Now name this site's services in ${options.config}${below}; it offers none yet.`);
  }
  if (survey) printProposals(survey, options.config, written);
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

/** What is found on this host of the site that was enrolled. */
function surveyOf({ name }: Enrolment, options: SurveyOptions): Survey {
  const survey = surveyHost(options);
  return { ...survey, proposals: survey.proposals.filter(({ table: [, of = name] }) => of === name) };
}

/** The enrolment is done by now, and whoever enrols need not be allowed to write agent.toml. */
function writeIfAllowed(survey: Survey, file: string): Edited | undefined {
  try {
    return writeProposals(survey, file);
  } catch (error) {
    if (!(error instanceof FarsiteError)) throw error;
    survey.advice.unshift(`${error.message}; as root: farsite-agent detect --write`);
    return undefined;
  }
}

/** What `enroll` does about the services of the site: finds them, writes them down, opens their sockets to the agent. */
import { FarsiteError } from "../../common/errors.ts";
import type { AgentConfig } from "../config.ts";
import { type Enrolment, findEnrolments, type Place } from "../enrolment/index.ts";
import { groupsToJoin, joinGroups } from "../installation/index.ts";
import { agentAccount } from "../omd/index.ts";
import type { Edited } from "./proposal.ts";
import { type Survey, type SurveyOptions, surveyHost, writeProposals } from "./survey.ts";

export interface ServicesOptions extends SurveyOptions {
  /**
   * Whether what is found of the site on this host is written into agent.toml. Undefined: if that names no service for
   * the site yet.
   */
  detect?: boolean;
  /** Whether the agent's user may be made a member of the site's group. */
  join: boolean;
}

export interface SiteServices {
  mine: Enrolment;
  others: Enrolment[];
  /** Whether agent.toml named no service for the site before. */
  silent: boolean;
  /** What was found; undefined where nobody looked. */
  survey: Survey | undefined;
  /** What of it was written. */
  written: Edited | undefined;
  /** Groups that the agent's user is in since now. */
  joined: string[];
}

/** For the enrolment at `place`, which is in the state directory now. Throws E_CONFIG, E_STATE or E_KEY_FILE. */
export function settleServices(
  config: AgentConfig,
  { folder }: Place,
  options: ServicesOptions,
): SiteServices {
  const { enrolments } = findEnrolments(options.stateDir);
  const mine = enrolments.find((each) => each.folder === folder);
  if (!mine) throw new FarsiteError("E_STATE", `the enrolment in ${folder} is gone`);
  const others = enrolments.filter((each) => each !== mine);
  const own = isOfMany(config, others) ? config.sites[mine.name] : config;
  const silent = Object.keys(own?.services ?? {}).length === 0;
  const write = options.detect ?? (silent && own?.push_only !== true);
  let survey = silent || write ? surveyOf(mine, options) : undefined;
  const joined = survey && write && options.join ? joinSites(survey) : [];
  // what the agent may open has changed
  if (joined.length > 0) survey = surveyOf(mine, options);
  const written = survey && write ? writeIfAllowed(survey, options.config) : undefined;
  return { mine, others, silent, survey, written, joined };
}

/** Whether agent.toml has, or is to have, a table for each site. */
export function isOfMany(config: AgentConfig, others: readonly Enrolment[]): boolean {
  return others.length > 0 || Object.keys(config.sites).length > 0;
}

/** What is found on this host of the site that was enrolled. */
function surveyOf({ name }: Enrolment, options: SurveyOptions): Survey {
  const survey = surveyHost(options);
  return { ...survey, proposals: survey.proposals.filter(({ table: [, of = name] }) => of === name) };
}

function joinSites({ found, proposals }: Survey): string[] {
  const account = agentAccount();
  const proposed = found.filter(({ name }) => proposals.some(({ site }) => site === name));
  const groups = [...new Set(proposed.flatMap((site) => groupsToJoin(site, account)))];
  return groups.length > 0 && joinGroups(account, groups) ? groups : [];
}

/** The enrolment is done by now, and whoever enrols need not be allowed to write agent.toml. */
function writeIfAllowed(survey: Survey, file: string): Edited | undefined {
  if (survey.proposals.length === 0) return undefined;
  try {
    return writeProposals(survey, file);
  } catch (error) {
    if (!(error instanceof FarsiteError)) throw error;
    survey.advice.unshift(`${error.message}; as root: farsite-agent detect --write`);
    return undefined;
  }
}

/** What is on this host, seen beside who this agent is and what its agent.toml says already. */
import { FarsiteError } from "../../common/errors.ts";
import { type Enrolment, findEnrolments } from "../enrolment/index.ts";
import { agentAccount, detect, type Found, systemListeners, Tree } from "../omd/index.ts";
import { adviceFor } from "./advice.ts";
import { changeConfig, readConfigIfAny } from "./config-file.ts";
import { addProposals, type Edited, type Proposal, proposalsFor } from "./proposal.ts";

export interface SurveyOptions {
  /** agent.toml. */
  config: string;
  stateDir: string;
  /** The folder that stands for `/`. */
  root: string;
}

export interface Survey {
  found: Found[];
  proposals: Proposal[];
  enrolments: Enrolment[];
  /** Why it is not known for which sites this agent is enrolled. */
  unknown: FarsiteError | undefined;
  /** What a person has to do, or should know. */
  advice: string[];
  problems: string[];
}

/**
 * Looks at this host.
 * @param wanted the name of the only site that is looked for; all when there is none
 * Throws E_CONFIG, or E_NOT_FOUND when a site that was asked for is not there.
 */
export function surveyHost({ config: file, stateDir, root }: SurveyOptions, wanted?: string): Survey {
  const config = readConfigIfAny(file);
  const account = agentAccount();
  const { sites, problems } = detect({ tree: new Tree(root), listeners: systemListeners(), account });
  const found = wanted === undefined ? sites : [named(sites, wanted)];
  const { enrolments, damaged } = findEnrolments(stateDir);
  const proposals = proposalsFor(found, enrolments, config);
  problems.push(...found.flatMap((site) => site.problems.map((problem) => `${site.name}: ${problem}`)));
  problems.push(...damaged.map(({ message }) => message));
  const unknown = enrolments.length === 0 ? damaged[0] : undefined;
  const advice = adviceFor({ found, proposals, enrolments: unknown ? undefined : enrolments, account });
  return { found, proposals, enrolments, unknown, advice, problems };
}

function named(sites: readonly Found[], name: string): Found {
  const site = sites.find((each) => each.name === name);
  if (site) return site;
  const there = sites.map((each) => each.name).join(", ");
  throw new FarsiteError(
    "E_NOT_FOUND",
    `there is no site ${name} on this host`,
    `Found here: ${there || "none"}.`,
  );
}

/** Adds to agent.toml what it lacks. Throws E_CONFIG, E_STATE or E_KEY_FILE. */
export function writeProposals({ proposals, enrolments, unknown }: Survey, file: string): Edited {
  if (unknown) throw unknown;
  return changeConfig(file, (text) => addProposals(file, text, proposals, enrolments));
}

/** What is left for a person to do, once the sites of a host are known. */
import type { Enrolment } from "../enrolment/index.ts";
import { type Account, type Found, rightsAdvice } from "../omd/index.ts";
import type { Proposal } from "./proposal.ts";

export interface Circumstances {
  found: readonly Found[];
  proposals: readonly Proposal[];
  /** Undefined when they are not known. */
  enrolments: readonly Enrolment[] | undefined;
  account: Account;
}

/** One line for each thing to do or to know. */
export function adviceFor({ found, proposals, enrolments, account }: Circumstances): string[] {
  return [
    ...found.flatMap(({ name, notes }) => notes.map((note) => `${name}: ${note}`)),
    ...found
      .filter(({ name }) => proposals.some(({ site }) => site === name))
      .flatMap((site) => rightsLine(site, account)),
    ...(enrolments ? enrolmentLines(found, proposals, enrolments) : []),
  ];
}

function rightsLine({ name, rights, services }: Found, account: Account): string[] {
  const target = Object.values(services).find((each) => each.startsWith("unix:"));
  const advice = rights && target && rightsAdvice(target.slice("unix:".length), rights, account);
  return advice ? [`${name}: ${advice}`] : [];
}

function enrolmentLines(
  found: readonly Found[],
  proposals: readonly Proposal[],
  enrolments: readonly Enrolment[],
): string[] {
  if (enrolments.length === 0) {
    return found.length === 0
      ? []
      : ["enrol: farsite-agent enroll TOKEN, with a token for each site to be connected"];
  }
  return [
    ...found
      .filter(({ name, kind }) => isOmd(kind) && !proposals.some(({ site }) => site === name))
      .map(({ name }) => `${name}: this agent is not enrolled for it; farsite-agent enroll TOKEN`),
    ...enrolments
      .filter(({ enrolled }) => found.length > 0 && !found.some(({ name }) => name === enrolled.site))
      .map(({ enrolled }) => misfit(enrolled, found, proposals)),
  ];
}

/** Only their sites have IDs. */
const isOmd = (kind: Found["kind"]) => kind === "checkmk" || kind === "omd";

/** The hub speaks of a site by its ID: Checkmk refuses changes that are meant for another one. */
function misfit(
  { tenant, site }: Enrolment["enrolled"],
  found: readonly Found[],
  proposals: readonly Proposal[],
): string {
  const [proposal] = proposals;
  const taken = found.find(({ name }) => name === proposal?.site);
  if (!taken) return `${tenant}/${site}: no site of this host has the ID ${site}`;
  if (taken.kind !== "checkmk") return `${tenant}/${site}: ${taken.name} is taken to be this site`;
  return `${tenant}/${site}: this host's site is called ${taken.name}; Checkmk synchronises only where the hub's site has that ID, too`;
}

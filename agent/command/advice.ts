/** What is left for a person to do, once the sites of a host are known. */
import type { Enrolment } from "../enrolment/index.ts";
import type { Account, Found } from "../omd/index.ts";
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

/** How the agent's user comes to the rights it lacks; only root can give them, and the agent must start anew. */
function rightsLine({ name, rights, services }: Found, { name: user, exists }: Account): string[] {
  const target = Object.values(services).find((each) => each.startsWith("unix:"));
  if (!rights || rights.state === "open" || target === undefined) return [];
  const socket = target.slice("unix:".length);
  switch (rights.state) {
    case "closed": {
      const join = `usermod -aG ${rights.groups.join(",")} ${user} && systemctl restart farsite-agent`;
      if (exists) return [`${name}: the user ${user} may not open ${socket}; as root: ${join}`];
      return [`${name}: there is no user ${user} yet; make it, then, as root: ${join}`];
    }
    case "shut":
      return [
        `${name}: ${rights.at} is closed to the user ${user}, and no group opens it; namei -l ${socket}`,
      ];
    case "unknown":
      return [];
  }
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

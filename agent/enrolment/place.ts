/** Where a new enrolment goes. */
import { FarsiteError } from "../../common/errors.ts";
import { hubKeysOf, isEnrolled } from "../state.ts";
import { type Enrolment, findEnrolments, folderOf, foldersIn } from "./enrolments.ts";

/** The site of a new enrolment, as the hub names it. */
export interface NewSite {
  tenant: string;
  site: string;
  /** Base64. */
  hubKey: string;
  /** The hub's keys since, the newest first. */
  hubKeys?: readonly Uint8Array[] | undefined;
}

export interface Wishes {
  /** The enrolment's name, if one was asked for. */
  name: string | undefined;
  /** Whether an enrolment may be given up for it. */
  force: boolean;
  /** The names below [sites] in agent.toml. */
  named: readonly string[];
}

export interface Place {
  name: string;
  folder: string;
}

/** Throws E_ALREADY_ENROLLED when there is an enrolment of which it cannot be said whose it is. */
export function refuseUnknown(stateDir: string, force: boolean): void {
  const known = findEnrolments(stateDir).enrolments.some(({ root }) => root);
  if (!force && !known && isEnrolled(stateDir)) throw alreadyEnrolled(stateDir, "that cannot be read whole");
}

/**
 * In the place of the enrolment that is given up for it, if there is one. Else into the state directory itself when
 * it is the only one, or into a folder of its own: with the site's ID as its name, or, where that is taken by
 * another tenant's or another hub's site, TENANT-SITE. Throws E_ALREADY_ENROLLED, E_KEY_FILE or E_STATE.
 */
export function placeFor(stateDir: string, wanted: NewSite, { name, force, named }: Wishes): Place {
  const { enrolments } = findEnrolments(stateDir);
  const given = givenUp(enrolments, wanted, name, force);
  if (given) return given;
  const own = (chosen: string): Place => ({ name: chosen, folder: folderOf(stateDir, chosen) });
  if (name !== undefined) return own(name);
  const taken = foldersIn(stateDir).filter(({ folder }) => isEnrolled(folder));
  const [first] = taken;
  if (first && force && taken.length === 1) return { name: first.name ?? wanted.site, folder: first.folder };
  if (!first && named.length === 0) return { name: wanted.site, folder: stateDir };
  const used = new Set([...enrolments, ...taken].map((each) => each.name));
  const free = [wanted.site, `${wanted.tenant}-${wanted.site}`].filter((each) => !used.has(each));
  const chosen = free.find((each) => named.includes(each)) ?? free[0];
  if (chosen !== undefined) return own(chosen);
  throw alreadyEnrolled(
    folderOf(stateDir, `${wanted.tenant}-${wanted.site}`),
    "of another site of these names",
  );
}

/** The enrolment in whose place it comes: of the same site, or of the name that was asked for. */
function givenUp(
  enrolments: readonly Enrolment[],
  wanted: NewSite,
  name: string | undefined,
  force: boolean,
): Place | undefined {
  const same = enrolments.find(({ enrolled }) => isSame(enrolled, wanted));
  // under two names the site would have two keys, of which the hub takes the newer one only
  if (same && (!force || (name !== undefined && name !== same.name))) {
    throw alreadyEnrolled(same.folder, `of ${wanted.tenant}/${wanted.site}, named ${same.name}`);
  }
  const namesake = enrolments.find((each) => each.name === name);
  if (namesake && !force) throw alreadyEnrolled(namesake.folder, `of the site named ${namesake.name}`);
  return same ?? namesake;
}

/** Whether it is that very site: of the same hub, the same tenant and ID. */
function isSame(one: NewSite, other: NewSite): boolean {
  const known = hubKeysOf(one).map((key) => Buffer.from(key).toString("base64"));
  const hub = one.hubKey === other.hubKey || known.includes(other.hubKey);
  return hub && one.tenant === other.tenant && one.site === other.site;
}

function alreadyEnrolled(folder: string, whose: string): FarsiteError {
  return new FarsiteError(
    "E_ALREADY_ENROLLED",
    `this agent is enrolled already: ${folder} holds a key ${whose}`,
    "Add --force to give that enrolment up and take the new one. The token was not used.",
  );
}

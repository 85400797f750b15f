/** What differs between the releases of Checkmk that a central site may have. */

import { FarsiteError } from "../../common/errors.ts";

/** What a release wants to be told. */
export interface Dialect {
  /** The port of the message broker: since 2.4. */
  brokerPort: boolean;
  /** Whether the central site trusts what the site sends: since 2.5. */
  trusted: boolean;
  /** The REST API refuses settings of a replication that is switched off: since 2.3.0p26 (werk 16722). */
  short: boolean;
}

/** For releases that do not tell, and for those to come. */
export const NEWEST = "2.5";
/** The first release whose REST API knows site connections. */
const FIRST_REST = "2.2";

/**
 * @param text `2.4`, or a release in full, such as `2.3.0p26` or `2.4.0b1.cee`; a daily build counts as newest
 * @throws E_USAGE it is no release
 */
export function dialectOf(text: string): Dialect {
  const release = parse(text);
  return {
    brokerPort: atLeast(release, parse("2.4")),
    trusted: atLeast(release, parse("2.5")),
    short: atLeast(release, parse("2.3.0p26")),
  };
}

/** Whether site connections can be made through the REST API of a release. */
export function hasSiteApi(text: string): boolean {
  return atLeast(parse(text), parse(FIRST_REST));
}

type Release = readonly [major: number, minor: number, step: number, patch: number];

function parse(text: string): Release {
  const match = /^(\d{1,4})\.(\d{1,2})(?:\.(\d{1,2})(?:([pbi])(\d{1,4}))?)?(?:[.-].*)?$/.exec(text);
  if (!match) {
    throw new FarsiteError("E_USAGE", `not a release of Checkmk: ${text}`, "Such as 2.3, 2.4 or 2.3.0p26.");
  }
  const [, major, minor, step, kind, patch] = match;
  // betas and innovation releases know what their release knows
  return [Number(major), Number(minor), Number(step ?? 0), kind === "p" ? Number(patch) : 0];
}

function atLeast(release: Release, wanted: Release): boolean {
  for (const [index, part] of release.entries()) {
    const other = wanted[index] ?? 0;
    if (part !== other) return part > other;
  }
  return true;
}

/** What host names of a tenant's sites begin with, so that no site can name a host of another's. */
import { z } from "zod";
import { ownerName } from "../../../common/names.ts";
import type { Sender } from "./letter.ts";

/** It ends up in file names, and in configuration files. */
const prefix = z.string().regex(/^[A-Za-z0-9_.-]{0,64}$/, "at most 64 of A-Z, a-z, 0-9, _, . and -");

export const hostPrefixes = z.record(ownerName, prefix).superRefine((given, { addIssue }) => {
  const all = Object.entries(given);
  for (const [owner, input] of all) {
    const other = all.find(([each, text]) => each !== owner && text.startsWith(input));
    if (!other) continue;
    const message = `another one: that of ${other[0]} begins with it`;
    addIssue({ code: "custom", path: [owner], input, message });
  }
});

/** That of the site goes before that of its tenant. */
export function prefixOf(
  prefixes: ReadonlyMap<string, string>,
  { tenant, site }: Sender,
): string | undefined {
  return prefixes.get(`${tenant}/${site}`) ?? prefixes.get(tenant);
}

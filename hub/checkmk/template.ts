/** Names that are made of a site's: `{tenant}` and `{site}` stand for its two parts. */

import { FarsiteError } from "../../common/errors.ts";

export interface SiteNames {
  tenant: string;
  site: string;
}

/** @throws E_USAGE there is another word in braces, or a brace alone */
export function expand(template: string, { tenant, site }: SiteNames): string {
  const rest = template.replace(/\{(?:tenant|site)\}/g, "");
  if (/[{}]/.test(rest)) {
    throw new FarsiteError(
      "E_USAGE",
      `${template}: only {tenant} and {site} can stand in braces`,
      "For example '{tenant}-{site}'.",
    );
  }
  return template.replaceAll("{tenant}", tenant).replaceAll("{site}", site);
}

/** All that a site's page shows. */

import type { Reach, SeenDetails, SitePast } from "../../../access/index.ts";
import type { EndpointState } from "../../../endpoint/index.ts";
import type { AuditRecord } from "../../../registry/index.ts";

/** Records of the audit that are shown. */
const RECORDS = 15;

export interface SitePageView {
  site: SeenDetails;
  /** Undefined: the reader may not know. */
  endpoints: readonly EndpointState[] | undefined;
  past: SitePast;
  /** The newest first; undefined: the reader may not know. */
  audit: readonly AuditRecord[] | undefined;
}

/** Throws E_NOT_FOUND. */
export async function sitePageView(reach: Reach, tenant: string, name: string): Promise<SitePageView> {
  // first: nothing else is looked for where this says that there is nothing
  const site = await reach.site(tenant, name);
  const [endpoints, past, audit] = await Promise.all([
    reach.has("hub") ? reach.endpoints() : undefined,
    reach.history(tenant, name),
    reach.has("audit") ? reach.audit({ tenant, site: name, limit: RECORDS }) : undefined,
  ]);
  return {
    site,
    endpoints: endpoints?.filter((each) => each.tenant === tenant && each.site === name),
    past,
    audit: audit?.toReversed(),
  };
}

/** The seam to the sites: their cores, one by one. */

import type { Row, Wanted } from "../livestatus/federation/index.ts";
import type { GatedSite } from "../livestatus/index.ts";

/** What is asked for itself, not for a client: in turns and in the audit. */
export const WHO = "problems";

/** `OneSite` of the federation, or cores in memory. Rejections are Refusals. */
export interface Cores {
  rows(site: GatedSite, who: string, wanted: Wanted): Promise<Row[]>;
  tell(site: GatedSite, who: string, command: string, within: number): Promise<void>;
}

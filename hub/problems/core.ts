/** The seam to the sites: their cores, one by one. */

import type { Row, Wanted } from "../livestatus/federation/index.ts";
import type { GatedSite } from "../livestatus/index.ts";

/** `OneSite` of the federation, or cores in memory. Rejections are Refusals. */
export interface Cores {
  rows(site: GatedSite, wanted: Wanted): Promise<Row[]>;
  /** `[TIME] NAME;ARGUMENTS`, once. */
  tell(site: GatedSite, command: string, within: number): Promise<void>;
}

/** What several operations take or answer. */

import { z } from "zod";
import { siteName, tenantName } from "../../../common/names.ts";

export const time = z.iso.datetime().describe("UTC");
/** Of text that comes in, in UTF-16 units. */
export const LONGEST_TEXT = 200;

export const inTenant = z.strictObject({ tenant: tenantName });
export const ofSite = z.strictObject({ tenant: tenantName, site: siteName });

/** How a query says yes or no. */
export const flag = z
  .enum(["true", "false"])
  .transform((text) => text === "true")
  .meta({
    override: ({ jsonSchema }) => {
      jsonSchema.type = "boolean";
      delete jsonSchema.enum;
    },
  });

/** The last moment that ISO 8601 can write without a sign, ms since the epoch. */
const LAST = 253_402_300_799_999;

/** ISO 8601; undefined where a clock elsewhere says what is none, for not all of them are the hub's. */
export function instant(ms: number | undefined): string | undefined {
  return ms !== undefined && ms > 0 && ms <= LAST ? new Date(ms).toISOString() : undefined;
}

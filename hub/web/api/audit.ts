/** Who did what. */

import { z } from "zod";
import { siteName, tenantName } from "../../../common/names.ts";
import type { AuditRecord } from "../../registry/index.ts";
import { cursorOf, pageOf, pageQuery, type Route, route } from "./route/index.ts";
import { LONGEST_TEXT, time } from "./schema.ts";

/** Records of one millisecond that paging gets past. */
const MOST_AT_ONCE = 10_000;
/** Where the page before ended: the time of its last record, and how many of that time were in it and before it. */
const place = z.strictObject({ at: z.int().min(0), seen: z.int().min(1).max(MOST_AT_ONCE) });
type Place = z.output<typeof place>;

const record = z
  .object({
    time,
    who: z.string().describe("Such as `user alice`, `token bob/scrape`, `agent db1`"),
    from: z.string(),
    action: z.string().describe("Such as `site.add`"),
    tenant: z.string(),
    site: z.string().describe("Empty where it is about the tenant or the hub"),
    detail: z.string(),
  })
  .meta({ id: "AuditRecord" });

export const auditRoutes: Route[] = [
  route({
    method: "get",
    path: "/audit",
    id: "listAudit",
    tag: "audit",
    summary: "Who did what, the newest first",
    right: "audit",
    query: z.strictObject({
      tenant: tenantName.optional(),
      site: siteName.optional(),
      action: z.string().max(LONGEST_TEXT).optional().describe("What the action begins with"),
      since: time.optional(),
      ...pageQuery(place),
    }),
    answer: pageOf(record),
    paged: true,
    async handle({ query: { limit, cursor, since, ...filter } }, reach) {
      const seen = cursor?.seen ?? 0;
      const found = await reach.audit({
        ...filter,
        since: since === undefined ? undefined : Date.parse(since),
        until: cursor?.at,
        // one more tells whether there is a next page
        limit: seen + limit + 1,
      });
      const rest = found.toReversed().slice(seen);
      const items = rest.slice(0, limit);
      return { items, ...(rest.length > limit && { next: cursorOf(placeOf(items, cursor)) }) };
    },
  }),
];

function placeOf(items: readonly AuditRecord[], before: Place | undefined): Place {
  const at = Date.parse(items.at(-1)?.time ?? "");
  const here = items.filter(({ time }) => Date.parse(time) === at).length;
  return { at, seen: here + (before?.at === at ? before.seen : 0) };
}

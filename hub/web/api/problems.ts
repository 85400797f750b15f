/** Problems of hosts and services. */

import { z } from "zod";
import { siteName, tenantName } from "../../../common/names.ts";
import { type Problem, SORT_KEYS, STATES } from "../../problems/index.ts";
import { cursorOf, next, pageQuery, type Route, route } from "./route/index.ts";
import { flag, instant, LONGEST_TEXT, time } from "./schema.ts";

const MOST_OFFSET = 10_000_000;

const wanted = z.strictObject({
  tenant: tenantName.optional(),
  site: siteName.optional(),
  states: z
    .string()
    .max(LONGEST_TEXT)
    .transform((text) => text.split(","))
    .pipe(z.array(z.enum(STATES)))
    .optional()
    .describe("Comma between them")
    .meta({
      param: { style: "form", explode: false },
      override: ({ jsonSchema }) => {
        delete jsonSchema.maxLength;
        Object.assign(jsonSchema, { type: "array", items: { type: "string", enum: [...STATES] } });
      },
    }),
  handled: flag.optional().describe("Somebody knows already, or nobody"),
  kind: z.enum(["host", "service"]).optional(),
  hard: flag.optional().describe("Its core has checked often enough to be sure"),
  text: z.string().max(LONGEST_TEXT).optional().describe("Part of a name or of the output"),
  sort: z.enum(SORT_KEYS).optional().describe("`severity` by default: the worst first"),
  descending: flag.optional(),
  ...pageQuery(z.int().min(0).max(MOST_OFFSET)),
});

const count = z.int().min(0);
const counts = z.object({ down: count, crit: count, unreach: count, unknown: count, warn: count });

const problem = z
  .object({
    id: z.string().describe("The same as long as the problem is told"),
    tenant: z.string(),
    site: z.string(),
    host: z.string(),
    service: z.string().optional().describe("Missing: the host itself"),
    state: z.enum(STATES),
    hard: z.boolean(),
    output: z.string(),
    since: time.optional().describe("By the site's clock"),
    lastCheck: time.optional().describe("By the site's clock; missing: never"),
    attempt: count,
    attempts: count,
    acknowledged: z.boolean(),
    downtime: z.boolean().describe("In one of its own"),
    ofHost: z.object({
      state: z.enum(["up", "down", "unreach"]),
      downtime: z.boolean(),
      acknowledged: z.boolean(),
    }),
    flapping: z.boolean(),
    checksDisabled: z.boolean(),
    notificationsDisabled: z.boolean(),
    handled: z.boolean(),
    commandable: z.boolean().describe("Its name can be written into a command"),
  })
  .meta({ id: "Problem" });

const problems = z
  .object({
    items: z.array(problem).readonly(),
    next,
    total: count.describe("Of all pages"),
    counts: counts.describe("Of all that meet the filter, `states` aside"),
    unhandled: counts.describe("Of all that the caller sees"),
    missing: z
      .array(
        z.object({
          tenant: z.string(),
          site: z.string(),
          reason: z.string(),
          since: time.optional(),
          shown: z.boolean().describe("What it said before is still shown"),
        }),
      )
      .describe("Sites that do not say how their hosts and services are"),
    cut: z
      .array(z.object({ tenant: z.string(), site: z.string(), more: count }))
      .readonly()
      .describe("Sites with more problems than the hub holds"),
    asOf: time.optional().describe("When the site that was asked longest ago was asked"),
  })
  .meta({ id: "Problems" });

export const problemRoutes: Route[] = [
  route({
    method: "get",
    path: "/problems",
    id: "listProblems",
    tag: "problems",
    summary: "Problems of hosts and services of all sites",
    description: "Live, from the cores. A page is of what is there when it is asked for.",
    right: "see",
    query: wanted,
    answer: problems,
    paged: true,
    fails: [404],
    async handle({ query: { cursor = 0, ...filter } }, reach) {
      const { problems, total, offset, counts, unhandled, missing, cut, asOf } = await reach.problems({
        ...filter,
        offset: cursor,
      });
      const end = offset + problems.length;
      return {
        items: problems.map(shown),
        ...(problems.length > 0 && end < total && { next: cursorOf(end) }),
        total,
        counts,
        unhandled,
        missing: missing.map((each) => ({ ...each, since: instant(each.since) })),
        cut,
        asOf: instant(asOf),
      };
    },
  }),
];

function shown({ since, lastCheck, ...rest }: Problem): z.input<typeof problem> {
  return { ...rest, since: instant(since), lastCheck: instant(lastCheck) };
}

/** What was with a site. */

import { z } from "zod";
import { type Route, route } from "./route/index.ts";
import { instant, ofSite, time } from "./schema.ts";

const values = z
  .array(z.number().nullable())
  .readonly()
  .describe("One for each step, the oldest first; null: nothing was measured");
const band = z.object({ min: values, avg: values, max: values });

const history = z
  .object({
    series: z
      .object({
        until: time.optional().describe("End of the last step"),
        step: z.number().describe("ms"),
        rtt: band.describe("ms to the agent and back"),
        received: band.describe("Bytes a second from the site"),
        sent: band.describe("Bytes a second to the site"),
        latency: band.describe("ms from a question to the end of the core's answer"),
      })
      .optional()
      .describe("The last day; missing: nothing is known"),
    connects: z
      .array(
        z.object({
          at: time.optional(),
          ended: time.optional().describe("Missing: it is still there"),
          reason: z.string().optional().describe("Why it ended"),
          carrier: z.string(),
          peer: z.string(),
          resumed: z.boolean().describe("It went on with a session"),
        }),
      )
      .describe("The newest first"),
  })
  .meta({ id: "History" });

export const historyRoutes: Route[] = [
  route({
    method: "get",
    path: "/tenants/{tenant}/sites/{site}/history",
    id: "getHistory",
    tag: "sites",
    summary: "The last day of a site: latency, throughput, connects and why they ended",
    right: "see",
    params: ofSite,
    answer: history,
    async handle({ params }, reach) {
      const { series, connects } = await reach.history(params.tenant, params.site);
      return {
        series: series && { ...series, until: instant(series.until) },
        connects: connects.map(({ at, ended, ...rest }) => ({
          ...rest,
          at: instant(at),
          ended: instant(ended),
        })),
      };
    },
  }),
];

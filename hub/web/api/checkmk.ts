/** Site connections for a central Checkmk. */

import { z } from "zod";
import { tenantName } from "../../../common/names.ts";
import { DEFAULT_SITE_ID, NEWEST, planConnections, sitesMk } from "../../checkmk/index.ts";
import { type Route, route } from "./route/index.ts";
import { flag, LONGEST_TEXT } from "./schema.ts";

const template = z.string().min(1).max(LONGEST_TEXT);

export const checkmkRoutes: Route[] = [
  route({
    method: "get",
    path: "/checkmk/sites.mk",
    id: "getSitesMk",
    tag: "checkmk",
    summary: "Site connections as Checkmk's etc/check_mk/multisite.d/sites.mk has them",
    description: "In templates `{tenant}` and `{site}` stand for the names of a site.",
    right: "hub",
    query: z.strictObject({
      tenant: tenantName.optional(),
      siteId: template.default(DEFAULT_SITE_ID).describe("Template of the sites' IDs at the central site"),
      alias: template.optional().describe("Template of what users read"),
      unix: flag.optional().describe("Connect to Unix sockets instead of TCP"),
      replicate: flag.optional().describe("Distributed setup: the central site configures the sites"),
      version: z
        .string()
        .regex(/^\d{1,2}\.\d{1,2}$/, "a release of Checkmk, such as 2.4")
        .default(NEWEST),
    }),
    answer: z.string(),
    type: "text/plain",
    fails: [404, 409],
    async handle({ query: { tenant, replicate = false, version, ...wishes } }, reach) {
      const [sites, endpoints] = await Promise.all([reach.sites(tenant), reach.endpoints()]);
      const plan = planConnections(sites, endpoints, { ...wishes, replicate });
      const text = sitesMk(plan, { version, replicate });
      return new Response(text, { headers: { "content-type": "text/plain; charset=utf-8" } });
    },
  }),
];

/** Sites: seen, added, changed and removed. */

import { z } from "zod";
import { serviceName, siteName, tenantName } from "../../../common/names.ts";
import type { SeenSite } from "../../access/index.ts";
import { keyCursor, pageByKey, pageOf, pageQuery, type Route, route } from "./route/index.ts";
import { inTenant, LONGEST_TEXT, ofSite, time } from "./schema.ts";
import { detailsOf, SITE_STATES, site, siteDetails, siteOf, TUNNEL_STATES } from "./site-schema.ts";

/** Services of one site: more than hub.toml is likely to have. */
const MOST_SERVICES = 256;
const services = z.array(serviceName).min(1).max(MOST_SERVICES);
const LONGEST_TOKEN_LIFE = 10_080;

const newToken = z
  .object({
    tenant: z.string(),
    site: z.string(),
    address: z.string(),
    token: z.string().describe("Enrols one agent, once. Shown once"),
    expires: time,
  })
  .meta({ id: "EnrolmentToken" });

const SITE = "/tenants/{tenant}/sites/{site}";
const tag = "sites";

const wanted = z.strictObject({
  tenant: tenantName.optional(),
  state: z.enum(TUNNEL_STATES).optional(),
  livestatus: z.enum(SITE_STATES).optional(),
  text: z.string().max(LONGEST_TEXT).optional().describe("Part of TENANT/SITE, in any case of letters"),
  ...pageQuery(keyCursor),
});

export const siteRoutes: Route[] = [
  route({
    method: "get",
    path: "/sites",
    id: "listSites",
    tag,
    summary: "Sites of all tenants",
    right: "see",
    query: wanted,
    answer: pageOf(site),
    paged: true,
    fails: [404],
    async handle({ query }, reach) {
      const met = (await reach.sites(query.tenant)).filter((each) => meets(each, query));
      const { items, ...rest } = pageByKey(met, nameOf, query);
      return { items: items.map(siteOf), ...rest };
    },
  }),
  route({
    method: "post",
    path: "/tenants/{tenant}/sites",
    id: "addSite",
    tag,
    summary: "Add a site",
    description: "Answers with the token for its agent.",
    right: "registry",
    params: inTenant,
    body: z.strictObject({
      name: siteName.describe("As `omd sites` shows it"),
      services: services.optional().describe("All of the hub unless some are named"),
    }),
    status: 201,
    answer: newToken,
    fails: [409],
    handle: ({ params, body }, reach) => reach.addSite(params.tenant, body.name, body.services),
  }),
  route({
    method: "get",
    path: SITE,
    id: "getSite",
    tag,
    summary: "All that is known of a site",
    right: "see",
    params: ofSite,
    answer: siteDetails,
    handle: async ({ params }, reach) => detailsOf(await reach.site(params.tenant, params.site)),
  }),
  route({
    method: "delete",
    path: SITE,
    id: "removeSite",
    tag,
    summary: "Remove a site",
    description: "Its agent is cut off for good; what its outbox had sent and nobody has yet is lost.",
    right: "registry",
    params: ofSite,
    handle: ({ params }, reach) => reach.removeSite(params.tenant, params.site),
  }),
  route({
    method: "put",
    path: `${SITE}/services`,
    id: "setServices",
    tag,
    summary: "Give a site other services",
    right: "registry",
    params: ofSite,
    body: z.strictObject({ services }),
    answer: site,
    handle: async ({ params, body }, reach) =>
      siteOf(await reach.setServices(params.tenant, params.site, body.services)),
  }),
  route({
    method: "post",
    path: `${SITE}/token`,
    id: "issueToken",
    tag,
    summary: "Make an enrolment token for a site's agent",
    description: "Tokens that were made before and not used end.",
    right: "registry",
    params: ofSite,
    body: z.strictObject({
      minutes: z.number().min(1).max(LONGEST_TOKEN_LIFE).optional().describe("As hub.toml says unless given"),
    }),
    status: 201,
    answer: newToken,
    handle: ({ params, body }, reach) => reach.issueToken(params.tenant, params.site, body.minutes),
  }),
  ...(
    [
      ["enable", "Let a site in again", (reach, { tenant, site }) => reach.setEnabled(tenant, site, true)],
      [
        "disable",
        "Cut a site off, and let it in no more",
        (reach, { tenant, site }) => reach.setEnabled(tenant, site, false),
      ],
      [
        "revoke",
        "End the key of a site's agent: it must enrol again",
        (reach, { tenant, site }) => reach.revoke(tenant, site),
      ],
      ["rekey", "Ask a site's agent for a new key", (reach, { tenant, site }) => reach.rekey(tenant, site)],
    ] satisfies [string, string, Change][] as [string, string, Change][]
  ).map(([verb, summary, change]) =>
    route({
      method: "post",
      path: `${SITE}/${verb}`,
      id: `${verb}Site`,
      tag,
      summary,
      right: "registry",
      params: ofSite,
      answer: site,
      ...(verb === "rekey" && { fails: [409] as const }),
      handle: async ({ params }, reach) => siteOf(await change(reach, params)),
    }),
  ),
];

type Change = (reach: Parameters<Route["handle"]>[1], of: z.output<typeof ofSite>) => Promise<SeenSite>;

function nameOf({ tenant, site }: SeenSite): string {
  return `${tenant}/${site}`;
}

function meets(each: SeenSite, { state, livestatus, text = "" }: z.output<typeof wanted>): boolean {
  return (
    (state === undefined || each.state === state) &&
    (livestatus === undefined || each.livestatus.state === livestatus) &&
    nameOf(each).toLowerCase().includes(text.toLowerCase())
  );
}

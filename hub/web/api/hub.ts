/** The hub as a whole: what it is, where it listens, its keys. */

import { z } from "zod";
import { tenantName } from "../../../common/names.ts";
import { keyCursor, pageByKey, pageOf, pageQuery, type Route, route } from "./route/index.ts";
import { time } from "./schema.ts";

const count = z.int().min(0);

const hub = z
  .object({
    version: z.string(),
    url: z.string().describe("Where agents come to"),
    since: time.describe("Its start"),
    key: z.string().describe("Its public key, base64"),
    sites: count,
    connected: count,
    online: count,
    files: z.object({ open: count, limit: count }).optional().describe("Of its process"),
  })
  .meta({ id: "Hub" });

const listening = {
  state: z.enum(["listening", "failed"]),
  reason: z.string().optional(),
  clients: count.describe("Connections now"),
};

const endpoint = z
  .object({
    tenant: z.string(),
    site: z.string(),
    service: z.string(),
    address: z.string(),
    port: z.int(),
    socket: z.string().describe("Path of the Unix socket"),
    ...listening,
  })
  .meta({ id: "Endpoint" });

const gathered = z
  .object({
    views: z
      .array(
        z.object({
          tenant: z.string(),
          site: z.string(),
          service: z.string(),
          socket: z.string(),
          ...listening,
        }),
      )
      .describe("Unix sockets"),
    viewers: z
      .array(
        z.object({
          tenant: z.string(),
          site: z.string(),
          service: z.string(),
          address: z.string(),
          port: z.int(),
          tls: z.enum(["self", "files", "off"]),
          onlyFrom: z.array(z.string()).optional(),
          clientCertificates: z.boolean(),
          ...listening,
        }),
      )
      .describe("Addresses for viewer sites"),
  })
  .meta({ id: "Views" });

const keys = z
  .object({
    key: z.string().describe("The present one, public, base64"),
    made: time,
    former: z
      .array(z.object({ key: z.string(), until: time }))
      .describe("Those that agents may still come with, the newest first"),
    behind: z.array(z.string()).describe("TENANT/SITE whose agents did not come with the present one yet"),
  })
  .meta({ id: "HubKeys" });

export const hubRoutes: Route[] = [
  route({
    method: "get",
    path: "/hub",
    id: "getHub",
    tag: "hub",
    summary: "The hub itself",
    right: "hub",
    answer: hub,
    handle: (_, reach) => reach.status(),
  }),
  route({
    method: "get",
    path: "/endpoints",
    id: "listEndpoints",
    tag: "hub",
    summary: "Local addresses of the sites' services",
    right: "hub",
    query: z.strictObject({ tenant: tenantName.optional(), ...pageQuery(keyCursor) }),
    answer: pageOf(endpoint),
    paged: true,
    async handle({ query }, reach) {
      const all = await reach.endpoints();
      const met = all.filter(({ tenant }) => query.tenant === undefined || tenant === query.tenant);
      return pageByKey(met, ({ tenant, site, service }) => `${tenant}/${site}/${service}`, query);
    },
  }),
  route({
    method: "get",
    path: "/views",
    id: "listViews",
    tag: "hub",
    summary: "Where many sites answer as one",
    right: "hub",
    answer: gathered,
    handle: (_, reach) => reach.gathered(),
  }),
  route({
    method: "get",
    path: "/hub/keys",
    id: "getHubKeys",
    tag: "hub",
    summary: "The hub's own keys",
    right: "hub",
    answer: keys,
    handle: (_, reach) => reach.keys(),
  }),
  route({
    method: "post",
    path: "/hub/keys/rotate",
    id: "rotateHubKey",
    tag: "hub",
    summary: "Make a new key of the hub's",
    description: "Agents learn it when they come; the former one stays good for a while.",
    right: "registry",
    answer: keys,
    fails: [409],
    handle: (_, reach) => reach.rotateKey(),
  }),
  route({
    method: "post",
    path: "/hub/keys/retire",
    id: "retireHubKeys",
    tag: "hub",
    summary: "End the hub's former keys",
    description: "Agents that do not know the present one must enrol again.",
    right: "registry",
    answer: keys,
    handle: (_, reach) => reach.retireKeys(),
  }),
];

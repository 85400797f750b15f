/** Tenants. */

import { z } from "zod";
import { tenantName } from "../../../common/names.ts";
import { keyCursor, pageByKey, pageOf, pageQuery, type Route, route } from "./route/index.ts";
import { inTenant } from "./schema.ts";

const tenant = z.object({ name: z.string(), sites: z.int().min(0) }).meta({ id: "Tenant" });

export const tenantRoutes: Route[] = [
  route({
    method: "get",
    path: "/tenants",
    id: "listTenants",
    tag: "tenants",
    summary: "Tenants",
    right: "see",
    query: z.strictObject(pageQuery(keyCursor)),
    answer: pageOf(tenant),
    paged: true,
    async handle({ query }, reach) {
      return pageByKey(await reach.tenants(), ({ name }) => name, query);
    },
  }),
  route({
    method: "post",
    path: "/tenants",
    id: "addTenant",
    tag: "tenants",
    summary: "Add a tenant",
    right: "registry",
    body: z.strictObject({ name: tenantName }),
    status: 201,
    answer: tenant,
    fails: [409],
    async handle({ body }, reach) {
      await reach.addTenant(body.name);
      return { name: body.name, sites: 0 };
    },
  }),
  route({
    method: "delete",
    path: "/tenants/{tenant}",
    id: "removeTenant",
    tag: "tenants",
    summary: "Remove a tenant",
    description: "One that has no sites.",
    right: "registry",
    params: inTenant,
    fails: [409],
    async handle({ params }, reach) {
      await reach.removeTenant(params.tenant);
    },
  }),
];

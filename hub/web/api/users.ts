/** Users of the web interface. */

import { z } from "zod";
import { tenantName, userName } from "../../../common/names.ts";
import { ROLES } from "../../access/index.ts";
import type { User } from "../../registry/index.ts";
import { keyCursor, pageByKey, pageOf, pageQuery, type Route, route } from "./route/index.ts";
import { instant, time } from "./schema.ts";

/** Of a password, in UTF-16 units; how long one must be the hub says itself. */
export const secret = z.string().max(1_024).meta({ format: "password" });
/** Tenants of one user. */
const MOST_TENANTS = 1_000;
const LONGEST_NAME = 256;

const standing = {
  role: z.enum(ROLES),
  tenants: z.array(tenantName).max(MOST_TENANTS).default([]).describe("For a role of tenants"),
};
export const ofUser = z.strictObject({ user: userName });

const user = z
  .object({
    name: z.string(),
    role: z.string(),
    tenants: z.array(z.string()).describe("Empty with a role for all tenants"),
    password: z.boolean().describe("Without one only API tokens can be used"),
    created: time.optional(),
  })
  .meta({ id: "User" });

const tag = "users";
const right = "users";

export const userRoutes: Route[] = [
  route({
    method: "get",
    path: "/users",
    id: "listUsers",
    tag,
    summary: "Local users",
    right,
    query: z.strictObject(pageQuery(keyCursor)),
    answer: pageOf(user),
    paged: true,
    async handle({ query }, reach) {
      const { items, ...rest } = pageByKey(await reach.accounts.list(), ({ name }) => name, query);
      return { items: items.map(shown), ...rest };
    },
  }),
  route({
    method: "post",
    path: "/users",
    id: "addUser",
    tag,
    summary: "Add a user",
    right,
    body: z.strictObject({
      name: userName,
      ...standing,
      password: secret.optional().describe("Without one only API tokens can be used"),
    }),
    status: 201,
    answer: user,
    fails: [404, 409],
    handle: async ({ body: { password, ...rest } }, reach) =>
      shown(await reach.accounts.add({ ...rest, password })),
  }),
  route({
    method: "delete",
    path: "/users/{user}",
    id: "removeUser",
    tag,
    summary: "Remove a user, with sessions and API tokens",
    right,
    params: ofUser,
    handle: ({ params }, reach) => reach.accounts.remove(params.user),
  }),
  route({
    method: "put",
    path: "/users/{user}/password",
    id: "setPassword",
    tag,
    summary: "Give a user another password",
    description: "The user's sessions end.",
    right,
    params: ofUser,
    body: z.strictObject({ password: secret.nullable().describe("null: only API tokens can be used") }),
    handle: ({ params, body }, reach) => reach.accounts.setPassword(params.user, body.password ?? undefined),
  }),
  route({
    method: "put",
    path: "/users/{user}/role",
    id: "setRole",
    tag,
    summary: "Give a user another role",
    description: "The user's sessions end.",
    right,
    params: ofUser,
    body: z.strictObject(standing),
    answer: user,
    handle: async ({ params, body }, reach) =>
      shown(await reach.accounts.setRole(params.user, body.role, body.tenants)),
  }),
  route({
    method: "post",
    path: "/users/{user}/logout",
    id: "logoutUser",
    tag,
    summary: "End a user's sessions",
    right,
    params: z.strictObject({
      user: z.string().min(1).max(LONGEST_NAME).describe("A local user, or `oidc:NAME`"),
    }),
    answer: z.object({ ended: z.int().min(0) }),
    handle: async ({ params }, reach) => ({ ended: await reach.accounts.logout(params.user) }),
  }),
];

function shown({ created, ...rest }: User): z.input<typeof user> {
  return { ...rest, created: instant(created) };
}

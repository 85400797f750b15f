/** API tokens. */

import { z } from "zod";
import { userName } from "../../../common/names.ts";
import { RIGHTS } from "../../access/index.ts";
import { keyCursor, pageByKey, pageOf, pageQuery, type Route, route } from "./route/index.ts";
import { instant, time } from "./schema.ts";
import { ofUser } from "./users.ts";

const USUAL_DAYS = 90;
const MOST_DAYS = 3_650;

const token = z
  .object({
    id: z.string(),
    user: z.string(),
    name: z.string(),
    scope: z.array(z.string()),
    created: time.optional(),
    expires: time.optional(),
    used: time.optional().describe("Last, to the minute; missing: never"),
  })
  .meta({ id: "Token" });

const made = z
  .object({
    user: z.string(),
    name: z.string(),
    scope: z.array(z.enum(RIGHTS)),
    expires: time,
    token: z.string().describe("Shown once"),
  })
  .meta({ id: "MadeToken" });

const tag = "tokens";

export const tokenRoutes: Route[] = [
  route({
    method: "get",
    path: "/tokens",
    id: "listTokens",
    tag,
    summary: "API tokens",
    description: "One's own, from a session; with the right `users` those of all.",
    query: z.strictObject({ user: userName.optional(), ...pageQuery(keyCursor) }),
    answer: pageOf(token),
    paged: true,
    async handle({ query }, reach) {
      const all = await reach.accounts.tokens(query.user);
      const { items, ...rest } = pageByKey(all, ({ user, name }) => `${user}/${name}`, query);
      return {
        items: items.map(({ created, expires, used, ...each }) => ({
          ...each,
          created: instant(created),
          expires: instant(expires),
          used: instant(used),
        })),
        ...rest,
      };
    },
  }),
  route({
    method: "post",
    path: "/users/{user}/tokens",
    id: "addToken",
    tag,
    summary: "Make an API token",
    description: "For oneself, from a session; with the right `users` for others. A token makes no tokens.",
    params: ofUser,
    body: z.strictObject({
      name: userName,
      scope: z
        .array(z.enum(RIGHTS))
        .min(1)
        .max(RIGHTS.length)
        .describe("What the user's role does not give, a token does not give either"),
      days: z.number().positive().max(MOST_DAYS).default(USUAL_DAYS).describe("Until it ends"),
    }),
    status: 201,
    answer: made,
    fails: [409],
    handle: ({ params, body }, reach) =>
      reach.accounts.addToken(params.user, body.name, body.scope, body.days),
  }),
  route({
    method: "delete",
    path: "/users/{user}/tokens/{token}",
    id: "removeToken",
    tag,
    summary: "End an API token",
    description: "One's own, from a session; with the right `users` that of anybody.",
    params: z.strictObject({ user: userName, token: userName }),
    handle: ({ params }, reach) => reach.accounts.removeToken(params.user, params.token),
  }),
];

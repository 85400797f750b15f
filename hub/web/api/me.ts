/** Who asks. */

import { z } from "zod";
import { RIGHTS, ROLES } from "../../access/index.ts";
import { type Route, route } from "./route/index.ts";
import { secret } from "./users.ts";

const me = z
  .object({
    name: z.string().describe("A local user's, or `oidc:NAME`"),
    role: z.enum(ROLES),
    tenants: z.union([z.literal("all"), z.array(z.string()).readonly()]),
    via: z.enum(["session", "token", "socket"]),
    token: z.string().optional().describe("Name of the token that was sent"),
    rights: z.array(z.enum(RIGHTS)).describe("Of the role, held to the token's scope"),
  })
  .meta({ id: "Me" });

export const meRoutes: Route[] = [
  route({
    method: "get",
    path: "/me",
    id: "getMe",
    tag: "me",
    summary: "Who the caller is, and what it may do",
    answer: me,
    async handle(_, reach) {
      const { name, role, tenants, via, token } = reach.principal;
      const rights = RIGHTS.filter((right) => reach.has(right));
      return { name, role, tenants, via, token: token?.name, rights };
    },
  }),
  route({
    method: "put",
    path: "/me/password",
    id: "changeMyPassword",
    tag: "me",
    summary: "Change the own password",
    description: "For a session of a local user. All of the user's sessions end, this one too.",
    body: z.strictObject({ present: secret, wanted: secret }),
    async handle({ body }, reach) {
      await reach.accounts.changeOwnPassword(body.present, body.wanted);
    },
  }),
];

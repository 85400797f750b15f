/** Users of the web interface and API tokens, for the command line. */

import { type Context, Hono } from "hono";
import { z } from "zod";
import { FarsiteError } from "../../../common/errors.ts";
import { tenantName } from "../../../common/names.ts";
import { type Access, type Accounts, RIGHTS, ROLES } from "../../access/index.ts";
import { actorOf } from "./actor.ts";

const standing = { role: z.enum(ROLES), tenants: z.array(tenantName).default([]) };
const newUser = z.strictObject({ name: z.string(), ...standing, password: z.string().optional() });
const password = z.strictObject({ password: z.string().optional() });
const newToken = z.strictObject({
  user: z.string(),
  name: z.string(),
  scope: z.array(z.enum(RIGHTS)).min(1),
  days: z.number().positive().max(3650),
});

export function accountsApp(access: Access): Hono {
  const app = new Hono();
  /** Whoever can open the socket is an administrator. */
  const accounts = (context: Context): Accounts => {
    const { who, from } = actorOf(context);
    return access.reach({ name: who, role: "administrator", tenants: "all", via: "socket", from }).accounts;
  };
  app.get("/users", async (context) => context.json(await accounts(context).list()));
  app.post("/users", async (context) => {
    const { password, ...user } = await body(context, newUser);
    return context.json(await accounts(context).add({ ...user, password }), 201);
  });
  app.put("/users/:name/password", async (context) => {
    const { password: wanted } = await body(context, password);
    await accounts(context).setPassword(context.req.param("name"), wanted);
    return context.json({});
  });
  app.put("/users/:name/role", async (context) => {
    const { role, tenants } = await body(context, z.strictObject(standing));
    return context.json(await accounts(context).setRole(context.req.param("name"), role, tenants));
  });
  app.post("/users/:name/logout", async (context) =>
    context.json({ ended: await accounts(context).logout(context.req.param("name")) }),
  );
  app.delete("/users/:name", async (context) => {
    await accounts(context).remove(context.req.param("name"));
    return context.json({});
  });

  app.get("/tokens", async (context) =>
    context.json(await accounts(context).tokens(context.req.query("user"))),
  );
  app.post("/tokens", async (context) => {
    const { user, name, scope, days } = await body(context, newToken);
    return context.json(await accounts(context).addToken(user, name, scope, days), 201);
  });
  app.delete("/tokens/:user/:name", async (context) => {
    const { user, name } = context.req.param();
    await accounts(context).removeToken(user, name);
    return context.json({});
  });
  return app;
}

async function body<S extends z.ZodType>(context: Context, schema: S): Promise<z.output<S>> {
  const parsed = schema.safeParse(await context.req.json().catch(() => undefined));
  if (!parsed.success) throw new FarsiteError("E_USAGE", "the request to the admin socket is malformed");
  return parsed.data;
}

/** Logging in and out. */

import { Hono } from "hono";
import { z } from "zod";
import { FarsiteError } from "../../../common/errors.ts";
import type { Access } from "../../access/index.ts";
import type { WebApp, WebEnv } from "./context.ts";
import { giveSession, sessionOf, takeSession } from "./cookie.ts";
import type { Look } from "./look.ts";
import { statusOf } from "./status.ts";

const loginForm = z.object({
  name: z.string().max(256),
  password: z.string().max(4096),
  next: z.string().optional(),
});

export function loginApp(access: Access, look: Look): WebApp {
  const app = new Hono<WebEnv>();
  app.get("/login", (context) => {
    const next = pathOf(context.req.query("next"));
    if (context.get("reach")) return context.redirect(next, 303);
    return context.html(look.login({ next }, context));
  });
  app.post("/login", async (context) => {
    const { data } = loginForm.safeParse(await context.req.parseBody().catch(() => undefined));
    if (!data) throw new FarsiteError("E_REQUEST", "the login form is malformed");
    const next = pathOf(data.next);
    try {
      const secret = await access.login(data.name, data.password, context.env.peer);
      const old = sessionOf(context);
      if (old !== undefined) await access.logout(old);
      giveSession(context, secret);
      return context.redirect(next, 303);
    } catch (error) {
      const status = error instanceof FarsiteError ? statusOf(error) : undefined;
      if (!(error instanceof FarsiteError) || status === undefined) throw error;
      return context.html(look.login({ next, problem: error.message }, context), status);
    }
  });
  app.post("/logout", async (context) => {
    const secret = sessionOf(context);
    if (secret !== undefined) await access.logout(secret);
    takeSession(context);
    return context.redirect("/login", 303);
  });
  return app;
}

/** A path of this hub, or its start: nobody is sent elsewhere. */
export function pathOf(next: string | undefined): string {
  return next !== undefined && /^\/(?![/\\])[\x21-\x7e]{0,1000}$/.test(next) ? next : "/";
}

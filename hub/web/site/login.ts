/** Logging in and out. */

import { Hono } from "hono";
import { z } from "zod";
import { FarsiteError } from "../../../common/errors.ts";
import type { Access } from "../../access/index.ts";
import type { WebApp, WebContext, WebEnv } from "./context.ts";
import { giveJourney, giveSession, sessionOf, takeJourney, takeSession } from "./cookie.ts";
import { later } from "./failure.ts";
import type { Look } from "./look.ts";
import { statusOf } from "./status.ts";

const loginForm = z.object({
  name: z.string().max(256),
  password: z.string().max(4096),
  next: z.string().optional(),
});

/** Where the OpenID provider sends browsers back to. */
export const CALLBACK_PATH = "/login/oidc/callback";

export function loginApp(access: Access, look: Look): WebApp {
  const app = new Hono<WebEnv>();
  const form = (context: WebContext, next: string, problem?: FarsiteError) => {
    const { provider } = access;
    return look.login(
      { next, ...(problem && { problem }), ...(provider !== undefined && { provider }) },
      context,
    );
  };
  /** The form again, with what is wrong. */
  const again = async (context: WebContext, next: string, error: unknown) => {
    const status = error instanceof FarsiteError ? statusOf(error) : undefined;
    if (!(error instanceof FarsiteError) || status === undefined) throw error;
    if (status === 429) context.header("retry-after", later(error));
    return context.html(await form(context, next, error), status);
  };
  /** A session of its own for each login; what the browser had before ends. */
  const enter = async (context: WebContext, secret: string, next: string) => {
    const old = sessionOf(context);
    if (old !== undefined) await access.logout(old, context.env.peer);
    giveSession(context, secret);
    return context.redirect(next, 303);
  };

  app.get("/login", async (context) => {
    const next = pathOf(context.req.query("next"));
    if (context.get("reach")) return context.redirect(next, 303);
    return context.html(await form(context, next));
  });
  app.post("/login", async (context) => {
    const { data } = loginForm.safeParse(await context.req.parseBody().catch(() => undefined));
    if (!data) throw new FarsiteError("E_REQUEST", "the login form is malformed");
    const next = pathOf(data.next);
    try {
      const secret = await access.login(data.name, data.password, context.env.peer);
      return await enter(context, secret, next);
    } catch (error) {
      return again(context, next, error);
    }
  });
  // a link, not a form: browsers hold what a form leads to against `form-action`
  app.get("/login/oidc", async (context) => {
    const next = pathOf(context.req.query("next"));
    try {
      const { secret, url } = await access.beginForeign(context.env.peer);
      giveJourney(context, { secret, next });
      return context.redirect(url.href, 303);
    } catch (error) {
      return again(context, next, error);
    }
  });
  app.get(CALLBACK_PATH, async (context) => {
    const journey = takeJourney(context);
    const next = pathOf(journey?.next);
    try {
      if (!journey)
        throw new FarsiteError("E_LOGIN", "the login was not begun in this browser, or took too long");
      const query = new URL(context.req.url).search;
      return await enter(context, await access.finishForeign(journey.secret, query, context.env.peer), next);
    } catch (error) {
      return again(context, next, error);
    }
  });
  app.post("/logout", async (context) => {
    const secret = sessionOf(context);
    if (secret !== undefined) await access.logout(secret, context.env.peer);
    takeSession(context);
    return context.redirect("/login", 303);
  });
  return app;
}

/** A path of this hub, or its start: nobody is sent elsewhere. */
export function pathOf(next: string | undefined): string {
  return next !== undefined && /^\/(?![/\\])[\x21-\x7e]{0,1000}$/.test(next) ? next : "/";
}

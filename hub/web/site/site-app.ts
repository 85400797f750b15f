/** The web interface: what every request goes through, and where everything hangs. */

import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { FarsiteError } from "../../../common/errors.ts";
import type { Log } from "../../../common/log.ts";
import type { Random } from "../../../common/random.ts";
import { printable } from "../../../common/text.ts";
import type { Access } from "../../access/index.ts";
import { type WebConfig, webUrl } from "../../config/index.ts";
import { authenticate } from "./authenticate.ts";
import type { WebApp, WebContext, WebEnv } from "./context.ts";
import { answerFailure, failureOf, forPrograms } from "./failure.ts";
import { securityHeaders } from "./headers.ts";
import { loginApp } from "./login.ts";
import { type Look, plainLook } from "./look.ts";
import { Origins } from "./origin.ts";

/** What other folders serve. Their handlers get a Reach with `reachOf`, and nothing else of the hub. */
export interface Mounts {
  /** At `/`, with `/assets/NAME` for everybody. */
  pages?: WebApp;
  /** At `/api/v1`. */
  api?: WebApp;
  /** At `/events`. */
  events?: WebApp;
  /** At `/metrics`. */
  metrics?: WebApp;
  /** At `/`: `/healthz` and `/readyz`, for everybody. */
  health?: WebApp;
}

export interface SiteOptions {
  web: WebConfig;
  access: Access;
  mounts: Mounts;
  look?: Look;
  random: Random;
  log: Log;
}

/** UTF-16 units of a path in the audit. */
const LONGEST_PATH = 200;
/** Asked by what does not know the hub by its name. */
const ANY_HOST = /^\/(?:healthz|readyz|metrics)$/;

export function siteApp({ web, access, mounts, look = plainLook, random, log }: SiteOptions): WebApp {
  const app = new Hono<WebEnv>();
  const origins = new Origins(web);

  app.onError((error, context) => {
    if (needsLogin(error, context)) {
      const next = new URL(context.req.url);
      context.header("cache-control", "no-store");
      return context.redirect(`/login?next=${encodeURIComponent(next.pathname + next.search)}`, 303);
    }
    const reach = context.get("reach");
    if (reach && error instanceof FarsiteError && error.code === "E_FORBIDDEN")
      access.refused(reach.principal, `${context.req.method} ${printable(context.req.path, LONGEST_PATH)}`);
    return answerFailure(context, failureOf(error, log, random), look);
  });
  app.notFound((context) => {
    const error = new FarsiteError("E_NOT_FOUND", "there is nothing at this address");
    return answerFailure(context, failureOf(error, log, random), look);
  });

  app.use(securityHeaders(webUrl(web).startsWith("https:")));
  app.use((context, next) => {
    if (!ANY_HOST.test(context.req.path)) origins.checkHost(context.req.raw);
    return next();
  });
  app.use(
    bodyLimit({
      maxSize: web.largest_request_kib * 1024,
      onError: () => {
        throw new FarsiteError("E_TOO_LARGE", `the request is larger than ${web.largest_request_kib} KiB`);
      },
    }),
  );
  app.use(authenticate(access, origins));
  // what is about people is for them alone, not for whoever presses "back" after them
  app.use(async (context, next) => {
    await next();
    if (!context.res.headers.has("cache-control")) context.header("cache-control", "no-store");
  });

  app.route("/", loginApp(access, look));
  if (mounts.health) app.route("/", mounts.health);
  if (mounts.metrics) app.route("/metrics", mounts.metrics);
  if (mounts.events) app.route("/events", mounts.events);
  if (mounts.api) app.route("/api/v1", mounts.api);
  if (mounts.pages) app.route("/", mounts.pages);
  return app;
}

/** Whether somebody looks at a page who is not logged in (any more). */
function needsLogin(error: unknown, context: WebContext): boolean {
  if (!(error instanceof FarsiteError) || error.code !== "E_LOGIN") return false;
  return (
    context.req.method === "GET" && !forPrograms(context.req.path) && !context.req.header("authorization")
  );
}

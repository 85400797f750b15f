/** Serves operations. */

import { Hono } from "hono";
import { FarsiteError } from "../../../../common/errors.ts";
import { reachOf, type WebApp, type WebContext, type WebEnv } from "../../site/index.ts";
import type { Pace } from "./pace.ts";
import { readInput } from "./read.ts";
import type { Route } from "./route.ts";

/** @param base where the app will be mounted */
export function serveRoutes(routes: readonly Route[], base: string, pace: Pace): WebApp {
  const app = new Hono<WebEnv>();
  for (const each of routes) {
    app.on(each.method.toUpperCase(), each.path.replace(/\{(\w+)\}/g, ":$1"), async (context) => {
      const reach = reachOf(context);
      pace.take(reach.principal.name);
      const answer = await each.handle(await readInput(each, context), reach, context);
      if (answer instanceof Response) return answer;
      if (!each.answer) return context.body(null, 204);
      if (each.paged) linkNext(context, answer as { next?: string });
      return context.json(answer as object, each.status ?? 200);
    });
  }
  const known = routes.map(({ method, path }) => ({
    method: method.toUpperCase(),
    pattern: new RegExp(`^${base}${path.replace(/\{\w+\}/g, "[^/]+")}$`),
  }));
  app.all("/*", (context) => {
    pace.take(reachOf(context).principal.name);
    const methods = known
      .filter(({ pattern }) => pattern.test(context.req.path))
      .flatMap(({ method }) => (method === "GET" ? [method, "HEAD"] : [method]));
    if (methods.length === 0) throw new FarsiteError("E_NOT_FOUND", "there is nothing at this address");
    const allowed = methods.join(", ");
    context.header("allow", allowed);
    throw new FarsiteError("E_METHOD", `this address takes ${allowed} only`);
  });
  return app;
}

/** RFC 8288. */
function linkNext(context: WebContext, { next }: { next?: string }): void {
  if (next === undefined) return;
  const { pathname, searchParams } = new URL(context.req.url);
  searchParams.set("cursor", next);
  context.header("link", `<${pathname}?${searchParams}>; rel="next"`);
}

/** Finds out who sends a request. Whoever is not known gets no further than where nobody need be known. */

import type { MiddlewareHandler } from "hono";
import { FarsiteError } from "../../../common/errors.ts";
import { type Access, derived, same } from "../../access/index.ts";
import type { WebContext, WebEnv } from "./context.ts";
import { sessionOf } from "./cookie.ts";
import { foreign, type Origins } from "./origin.ts";

/** For everybody: nothing behind these tells anything of what the hub knows. */
const OPEN = /^\/(?:login|login\/oidc(?:\/callback)?|healthz|readyz|assets\/[^/]+)$/;
const SAFE = new Set(["GET", "HEAD"]);
const CSRF = "csrf";

export function authenticate(access: Access, origins: Origins): MiddlewareHandler<WebEnv> {
  return async (context, next) => {
    const open = OPEN.test(context.req.path);
    const authorization = context.req.header("authorization");
    const peer = context.env.peer;
    if (authorization !== undefined && !open) {
      const [, token = ""] = /^Bearer +(\S+)$/i.exec(authorization) ?? [];
      const principal = await access.ofToken(token, peer);
      if (!principal) throw new FarsiteError("E_LOGIN", "the API token is unknown, or has expired");
      context.set("reach", access.reach(principal));
      return next();
    }
    const safe = SAFE.has(context.req.method);
    if (!safe) origins.checkSender(context.req.raw);
    const secret = sessionOf(context);
    const principal = secret === undefined ? undefined : await access.ofSession(secret, peer);
    if (principal && secret !== undefined) {
      const csrf = derived(secret, CSRF);
      context.set("reach", access.reach(principal));
      context.set("csrf", csrf);
      if (!safe && !open && !same(await sentCsrf(context), csrf)) throw foreign();
    } else if (!open) throw new FarsiteError("E_LOGIN", "a login is needed");
    return next();
  };
}

/** The header, or the field of a form; empty where there is neither. */
async function sentCsrf(context: WebContext): Promise<string> {
  const header = context.req.header("x-csrf");
  if (header !== undefined) return header;
  if (
    !/^(application\/x-www-form-urlencoded|multipart\/form-data)\b/i.test(
      context.req.header("content-type") ?? "",
    )
  )
    return "";
  const { csrf } = await context.req.parseBody().catch(() => ({}) as Record<string, unknown>);
  return typeof csrf === "string" ? csrf : "";
}

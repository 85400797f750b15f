/** Finds out who sends a request. Whoever is not known gets no further than where nobody need be known. */

import type { MiddlewareHandler } from "hono";
import { FarsiteError } from "../../../common/errors.ts";
import { type Access, derived, same } from "../../access/index.ts";
import type { WebContext, WebEnv } from "./context.ts";
import { sessionOf, takeSession } from "./cookie.ts";
import { foreign, type Origins } from "./origin.ts";

/** For everybody: nothing behind these tells anything of what the hub knows. */
const OPEN = /^\/(?:login|login\/oidc|login\/oidc\/callback|healthz|readyz|assets\/[^/]+)$/;
const SAFE = new Set(["GET", "HEAD"]);
const CSRF = "csrf";
const FORM = /^(?:application\/x-www-form-urlencoded|multipart\/form-data)\b/i;

export function authenticate(access: Access, origins: Origins): MiddlewareHandler<WebEnv> {
  return async (context, next) => {
    const open = OPEN.test(context.req.path);
    // another scheme is for a reverse proxy in front
    const [, token] = /^Bearer +(\S*)$/i.exec(context.req.header("authorization") ?? "") ?? [];
    if (token !== undefined && !open) await byToken(access, token, context);
    else await bySession(access, origins, open, context);
    return next();
  };
}

async function byToken(access: Access, token: string, context: WebContext): Promise<void> {
  const { peer } = context.env;
  const principal = await access.ofToken(token, peer);
  if (!principal) throw new FarsiteError("E_LOGIN", "the API token is unknown, or has expired");
  context.set(
    "reach",
    access.reach(principal, () => access.ofToken(token, peer)),
  );
}

async function bySession(
  access: Access,
  origins: Origins,
  open: boolean,
  context: WebContext,
): Promise<void> {
  const { peer } = context.env;
  const safe = SAFE.has(context.req.method);
  if (!safe) origins.checkSender(context.req.raw);
  const secret = sessionOf(context);
  const principal = secret === undefined ? undefined : await access.ofSession(secret, peer);
  if (secret === undefined || !principal) {
    if (secret !== undefined) takeSession(context);
    if (open) return;
    throw new FarsiteError("E_LOGIN", "a login is needed");
  }
  const csrf = derived(secret, CSRF);
  if (!safe && !open && !same(await sentCsrf(context), csrf)) throw foreign();
  await access.useSession(secret);
  context.set("csrf", csrf);
  context.set(
    "reach",
    access.reach(principal, () => access.ofSession(secret, peer)),
  );
}

/** The header, or the field of a form; empty where there is neither. */
async function sentCsrf(context: WebContext): Promise<string> {
  const header = context.req.header("x-csrf");
  if (header !== undefined) return header;
  if (!FORM.test(context.req.header("content-type") ?? "")) return "";
  const { csrf } = await context.req.parseBody().catch(() => ({}) as Record<string, unknown>);
  return typeof csrf === "string" ? csrf : "";
}

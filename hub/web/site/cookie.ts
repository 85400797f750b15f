/** The session's cookie. */

import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { WebContext } from "./context.ts";

const NAME = "farsite";
/** `__Host-`: from this host alone, over TLS alone, for all paths (RFC 6265bis, 4.1.3.2). */
const OPTIONS = { path: "/", secure: true, httpOnly: true, sameSite: "Lax", prefix: "host" } as const;

export function sessionOf(context: WebContext): string | undefined {
  return getCookie(context, NAME, "host");
}

/** For as long as the browser runs, or the hub says. */
export function giveSession(context: WebContext, secret: string): void {
  setCookie(context, NAME, secret, OPTIONS);
}

export function takeSession(context: WebContext): void {
  deleteCookie(context, NAME, OPTIONS);
}

/** The cookies: a session's, and one for the time of a login through an OpenID provider. */

import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { WebContext } from "./context.ts";

const SESSION = "farsite";
const JOURNEY = "farsite-oidc";
/** Seconds for a login through an OpenID provider. */
const JOURNEY_AGE = 600;
/**
 * `__Host-`: from this host alone, over TLS alone, for all paths (RFC 6265bis, 4.1.3.2). Lax: it comes along when the
 * OpenID provider, or a link in a mail, leads here, and with nothing else that others send.
 */
const OPTIONS = { path: "/", secure: true, httpOnly: true, sameSite: "Lax", prefix: "host" } as const;

export function sessionOf(context: WebContext): string | undefined {
  return getCookie(context, SESSION, "host");
}

/** For as long as the browser runs, or the hub says. */
export function giveSession(context: WebContext, secret: string): void {
  setCookie(context, SESSION, secret, OPTIONS);
}

export function takeSession(context: WebContext): void {
  deleteCookie(context, SESSION, OPTIONS);
}

/** What a browser must remember while it is at the OpenID provider. */
export interface Journey {
  secret: string;
  /** Where to go afterwards. */
  next: string;
}

export function giveJourney(context: WebContext, { secret, next }: Journey): void {
  setCookie(context, JOURNEY, `${secret}${next}`, { ...OPTIONS, maxAge: JOURNEY_AGE });
}

/** Each is for one way only. */
export function takeJourney(context: WebContext): Journey | undefined {
  const [, secret, next] = /^([\w-]{43})(\/.*)$/.exec(getCookie(context, JOURNEY, "host") ?? "") ?? [];
  deleteCookie(context, JOURNEY, OPTIONS);
  return secret === undefined || next === undefined ? undefined : { secret, next };
}

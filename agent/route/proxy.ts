/** An HTTP proxy: where it is, how it is spoken to, and who named it. */
import { FarsiteError } from "../../common/errors.ts";
import { Login } from "./login.ts";
import { type Address, addressOf } from "./tcp.ts";

export interface HttpProxy extends Address {
  /** http://HOST:PORT or https://HOST:PORT, without credentials: for people. */
  url: string;
  /** Whether it is spoken to over TLS. */
  secure: boolean;
  /** Who named it: agent.toml, or the environment variable. */
  from: string;
  login: Login | undefined;
}

/** What a user name may not have: a colon ends it in Basic, control characters have no place in a header. */
export const USER = /^[^:\p{Cc}]+$/u;

/**
 * A proxy from its URL, which may carry credentials (percent-encoded) and may lack its scheme, as is usual in
 * environment variables. Nothing of the text is in the errors, since it may hold a password. Throws E_CONFIG.
 */
export function parseProxy(text: string, from: string, login?: Login): HttpProxy {
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  if (!url || url.hostname === "" || !/^\/?$/.test(url.pathname) || url.search || url.hash) {
    throw new FarsiteError(
      "E_CONFIG",
      `${from} does not name a proxy`,
      "A proxy is http://HOST:PORT, and in an environment variable also http://USER:PASSWORD@HOST:PORT, with " +
        "special characters percent-encoded.",
    );
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new FarsiteError(
      "E_CONFIG",
      `${from} names a proxy that is spoken to with ${url.protocol.slice(0, -1)}`,
      'The agent speaks to HTTP proxies only. Name one as proxy.url in agent.toml; url = "none" goes without.',
    );
  }
  const address = addressOf(url.href);
  return {
    ...address,
    url: `${url.protocol}//${url.hostname}:${address.port}`,
    secure: url.protocol === "https:",
    from,
    login: login ?? loginOf(url, from),
  };
}

function loginOf(url: URL, from: string): Login | undefined {
  if (url.username === "") return undefined;
  try {
    const user = decodeURIComponent(url.username);
    if (USER.test(user)) return new Login(user, decodeURIComponent(url.password));
  } catch {
    // a percent sign that encodes nothing
  }
  throw new FarsiteError(
    "E_CONFIG",
    `${from} names a proxy with a user or password that cannot be read`,
    "Special characters are percent-encoded (% as %25, @ as %40); a user name has no colon.",
  );
}

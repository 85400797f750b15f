/** What went wrong below TLS, in words that name the hop and what to do. */
import { FarsiteError } from "../../common/errors.ts";
import type { Head } from "./head.ts";
import type { HttpProxy } from "./proxy.ts";
import { isSilence, type Trouble } from "./step.ts";
import { wireText } from "./wire-text.ts";

const NOT_FOUND = new Set(["ENOTFOUND", "EAI_AGAIN", "EAI_FAIL", "EAI_NONAME", "EAI_NODATA"]);

/** Whether it was the name that could not be resolved. */
export const isNameTrouble = (trouble: Trouble): boolean => NOT_FOUND.has(trouble.code ?? "");

/** The error of a connection to the hub that was not made. `naming`: its name was still being resolved. */
export function hubConnectError(url: string, trouble: Trouble, naming = false): FarsiteError {
  if (naming || isNameTrouble(trouble)) {
    return new FarsiteError(
      "E_DNS",
      `the name of ${url} cannot be resolved here`,
      "See whether this host's DNS knows it: getent hosts NAME. Where only a proxy resolves outside names, " +
        "name the proxy in agent.toml.",
    );
  }
  if (isSilence(trouble)) {
    return new FarsiteError(
      "E_CONNECT_TIMEOUT",
      `no connection to ${url}: nothing answers`,
      "A firewall drops it, mostly: TCP to that port must be allowed outbound. Where everything must go through " +
        "a proxy, name it in agent.toml.",
    );
  }
  if (trouble.code === "ECONNREFUSED") {
    return new FarsiteError(
      "E_HUB_UNREACHABLE",
      `${url} refuses the connection`,
      "The hub is down or listens elsewhere, or a firewall rejects: TCP to that port must be allowed outbound.",
    );
  }
  return new FarsiteError(
    "E_HUB_UNREACHABLE",
    `no connection to ${url}: ${trouble.message || trouble.code}`,
    "Something on the way may drop or cut connections to that port: it must be allowed outbound, TLS untouched.",
  );
}

const NEVER_BYPASSED = "The agent does not go past a proxy that it was told to take.";

/** The error of a connection to the proxy that was not made. */
export function proxyConnectError({ url, from }: HttpProxy, trouble: Trouble, naming = false): FarsiteError {
  if (naming || isNameTrouble(trouble)) {
    return new FarsiteError(
      "E_PROXY_DNS",
      `the name of the proxy ${url} cannot be resolved here`,
      `${from} names it. See whether this host's DNS knows it: getent hosts NAME. ${NEVER_BYPASSED}`,
    );
  }
  if (isSilence(trouble)) {
    return new FarsiteError(
      "E_PROXY_TIMEOUT",
      `no connection to the proxy ${url}: nothing answers`,
      `${from} names it. A firewall may drop it. ${NEVER_BYPASSED}`,
    );
  }
  const refuses = trouble.code === "ECONNREFUSED";
  return new FarsiteError(
    "E_PROXY_UNREACHABLE",
    refuses
      ? `the proxy ${url} refuses the connection`
      : `no connection to the proxy ${url}: ${trouble.message || trouble.code}`,
    `${from} names it: see whether host and port are right, and the proxy runs. ${NEVER_BYPASSED}`,
  );
}

const HTTPS =
  "Its URL says https. Most proxies are spoken to in plain HTTP (http://HOST:PORT); if this one is not, its " +
  "certificate must be for that name and from an authority of this host or of ca_file.";

/** TLS with the proxy itself failed: only with a proxy whose URL begins with https. */
export function proxyTlsError({ url }: HttpProxy, trouble: Trouble): FarsiteError {
  if (isSilence(trouble)) {
    return new FarsiteError(
      "E_PROXY_TIMEOUT",
      `the proxy ${url} took the connection and is silent in TLS`,
      HTTPS,
    );
  }
  return new FarsiteError("E_PROXY_TLS", `no TLS with the proxy ${url}: ${trouble.message}`, HTTPS);
}

/** The proxy gave no answer to CONNECT. */
export function proxyAnswerError({ url }: HttpProxy, trouble: Trouble): FarsiteError {
  if (isSilence(trouble)) {
    return new FarsiteError(
      "E_PROXY_TIMEOUT",
      `the proxy ${url} took the connection and did not answer in time`,
      "It may be overloaded, wait for the hub in vain, or be something else than a proxy.",
    );
  }
  return notAProxy({ url }, `it closed the connection without an answer (${trouble.message})`);
}

export function notAProxy({ url }: Pick<HttpProxy, "url">, what: string): FarsiteError {
  return new FarsiteError(
    "E_PROXY_PROTOCOL",
    `${url} did not answer as an HTTP proxy: ${what}`,
    "See whether host and port of the proxy are right, and whether it is an HTTP proxy (not SOCKS) that allows " +
      "the method CONNECT.",
  );
}

/** Statuses of servers that do not know CONNECT at all. */
const NO_PROXY: ReadonlySet<number> = new Set([400, 404, 501]);

/** The proxy answered CONNECT to `target` with something else than "yes" and "who are you". */
export function proxyRefusal(proxy: HttpProxy, target: string, head: Head): FarsiteError {
  const { status } = head;
  const detail = head.fields.get("x-squid-error")?.[0]?.split(" ")[0];
  const said = wireText(
    [`HTTP status ${status}`, head.reason, detail && `(${detail})`].filter(Boolean).join(" "),
  );
  if (NO_PROXY.has(status) || status < 200) return notAProxy(proxy, said);
  if (status >= 500) {
    return new FarsiteError(
      "E_PROXY_UPSTREAM",
      `the proxy ${proxy.url} cannot reach ${target}: ${said}`,
      "The proxy resolves the hub's name and connects to it: the rule for the hub must be there for the proxy.",
    );
  }
  return new FarsiteError(
    "E_PROXY_DENIED",
    `the proxy ${proxy.url} does not allow a connection to ${target}: ${said}`,
    "Ask its administrators to allow CONNECT to that host and port from this host.",
  );
}

export function authWanted({ url, from }: HttpProxy, schemes: string): FarsiteError {
  return new FarsiteError(
    "E_PROXY_AUTH_WANTED",
    `the proxy ${url} wants a user and a password (${schemes})`,
    from === "agent.toml"
      ? "Name them in agent.toml: proxy.user and proxy.password_file."
      : `${from} names it without them. Name the proxy in agent.toml, with proxy.user and proxy.password_file.`,
  );
}

export function authWrong({ url, from }: HttpProxy, scheme: string): FarsiteError {
  return new FarsiteError(
    "E_PROXY_AUTH_WRONG",
    `the proxy ${url} does not accept the user and password (${scheme}) that ${from} gives`,
    "Correct them and restart the agent; it tries seldom, so that no account is locked.",
  );
}

export function authScheme({ url }: HttpProxy, schemes: string): FarsiteError {
  return new FarsiteError(
    "E_PROXY_AUTH_SCHEME",
    `the proxy ${url} offers no authentication that the agent speaks, only: ${schemes}`,
    "The agent speaks Digest and Basic. Ask the proxy's administrators for one of them, or to let this host " +
      "pass to the hub without authentication.",
  );
}

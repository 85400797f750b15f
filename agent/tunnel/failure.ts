/** What went wrong on the way to the hub, in words that name the hop and what to do. */
import { type ErrorCode, FarsiteError } from "../../common/errors.ts";

const CLOCK_CODES = new Set(["CERT_NOT_YET_VALID", "CERT_HAS_EXPIRED"]);

const TRUST_CODES = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "CERT_SIGNATURE_FAILURE",
  "CERT_UNTRUSTED",
  "CERT_REJECTED",
  "HOSTNAME_MISMATCH",
]);

const SOMETHING_ELSE = "Something else may answer there: a proxy, a captive portal, another server.";
const ON_THE_WAY =
  "Something on the way may drop or cut connections to that port: it must be allowed outbound, TLS untouched.";

/** The error when `url` said nothing for `ms`. */
export function silence(url: string, ms: number): FarsiteError {
  return new FarsiteError("E_HUB_UNREACHABLE", `${url} did not answer in ${ms / 1000} s`, ON_THE_WAY);
}

/** The error of a connection to `url` that was not made. */
export function dialError(url: string, error: NodeJS.ErrnoException): FarsiteError {
  const code = error.code ?? "";
  if (CLOCK_CODES.has(code)) {
    return new FarsiteError(
      "E_TLS_UNTRUSTED",
      `the TLS certificate of ${url} is not valid at ${new Date().toISOString()}, this host's time: ${error.message}`,
      "If that time is wrong, set this host's clock (timedatectl set-ntp true); " +
        "if it is right, the hub needs a new certificate.",
    );
  }
  if (TRUST_CODES.has(code)) {
    return new FarsiteError(
      "E_TLS_UNTRUSTED",
      `the TLS certificate of ${url} is not trusted: ${error.message}`,
      "If a proxy on the way inspects TLS, or the hub's certificate is from a private authority, " +
        "name that authority's file as ca_file in agent.toml.",
    );
  }
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
    return new FarsiteError(
      "E_HUB_UNREACHABLE",
      `the name of ${url} cannot be resolved here`,
      "See whether this host's DNS knows it: getent hosts NAME",
    );
  }
  if (code === "ECONNREFUSED") {
    return new FarsiteError(
      "E_HUB_UNREACHABLE",
      `${url} refuses the connection`,
      "The hub is down or listens elsewhere, or a firewall rejects: TCP to that port must be allowed outbound.",
    );
  }
  const status = /Unexpected server response: (\d+)|Expected 101 status code/.exec(error.message);
  if (status) {
    const busy = status[1] === "503";
    return new FarsiteError(
      busy ? "E_HUB_BUSY" : "E_HUB_UNREACHABLE",
      busy
        ? `${url} takes no more handshakes for now`
        : `${url} did not answer as a Farsite hub${status[1] ? ` (HTTP status ${status[1]})` : ""}`,
      busy ? "Wait a minute; an agent that runs tries again by itself." : SOMETHING_ELSE,
    );
  }
  if (code === "EPROTO" || code.startsWith("ERR_SSL_")) {
    return new FarsiteError("E_HUB_UNREACHABLE", `what answers at ${url} does not speak TLS`, SOMETHING_ELSE);
  }
  return new FarsiteError(
    "E_HUB_UNREACHABLE",
    `no connection to ${url}: ${error.message || code}`,
    ON_THE_WAY,
  );
}

const NEW_TOKEN =
  "Ask the hub's operator for a new token (farsite-hub site token TENANT/SITE) and enrol with that.";

/** What the hub refuses comes over the wire without advice. */
const ADVICE: Partial<Record<ErrorCode, string>> = {
  E_TOKEN_UNKNOWN: NEW_TOKEN,
  E_TOKEN_USED: NEW_TOKEN,
  E_TOKEN_EXPIRED: NEW_TOKEN,
  E_TOKEN_REVOKED: NEW_TOKEN,
  E_KEY_UNKNOWN: NEW_TOKEN,
  E_KEY_REVOKED: NEW_TOKEN,
  E_HUB_KEY: `The token is for another hub, or this hub's key was made anew. ${NEW_TOKEN}`,
  E_SITE_DISABLED: "The hub's operator lets it in again: farsite-hub site enable TENANT/SITE",
  E_VERSION:
    "Bring agent and hub to releases that share a protocol version; the hub is usually upgraded first.",
  E_HANDSHAKE_TIMEOUT:
    "The hub, or something on the way, is too slow or silent. Try again, and see the hub's log.",
};

/** The same error with advice on what to do, where it has none. */
export function withAdvice(error: unknown): unknown {
  if (!(error instanceof FarsiteError) || error.hint !== undefined) return error;
  return new FarsiteError(error.code, error.message, ADVICE[error.code], { cause: error });
}

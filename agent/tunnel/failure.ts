/** What went wrong on the way to the hub, in words that name the hop and what to do. */
import type { PeerCertificate } from "node:tls";
import { type ErrorCode, FarsiteError } from "../../common/errors.ts";
import { hubConnectError, isNameTrouble, isSilence, type Trouble, wireText } from "../route/index.ts";

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

/** Whether it is the certificate that TLS failed for. */
export const isTrust = ({ code = "" }: Trouble): boolean => CLOCK_CODES.has(code) || TRUST_CODES.has(code);

const isNoTls = (code: string): boolean => code === "EPROTO" || code.startsWith("ERR_SSL_");

const SOMETHING_ELSE = "Something else may answer there: a proxy, a captive portal, another server.";
const INSPECTED =
  "A firewall or proxy on the way that inspects TLS, or filters by name, may do that: exempt the hub's name from it. " +
  "So does what stands in front of a hub that is down.";

/** Who signed a certificate, as it says itself; "" when it does not. What inspects TLS gives itself away by it. */
export function issuerName(certificate: Partial<PeerCertificate> | undefined): string {
  const { O: organisation, CN: name } = certificate?.issuer ?? {};
  return wireText([organisation, name].flat().filter(Boolean).join(", "));
}

/** The same for a message. */
export function issuerOf(certificate: Partial<PeerCertificate> | undefined): string {
  const issuer = issuerName(certificate);
  return issuer === "" ? "" : ` (it was issued by "${issuer}")`;
}

/** The error of TLS with the hub that did not come about, with the certificate that was presented, if one was. */
export function tlsError(
  url: string,
  trouble: Trouble,
  certificate?: Partial<PeerCertificate>,
): FarsiteError {
  const code = trouble.code ?? "";
  if (CLOCK_CODES.has(code)) {
    return new FarsiteError(
      "E_TLS_UNTRUSTED",
      `the TLS certificate of ${url} is not valid at ${new Date().toISOString()}, this host's time: ${trouble.message}`,
      "If that time is wrong, set this host's clock (timedatectl set-ntp true); " +
        "if it is right, the hub needs a new certificate.",
    );
  }
  if (TRUST_CODES.has(code)) {
    return new FarsiteError(
      "E_TLS_UNTRUSTED",
      `the TLS certificate of ${url} is not trusted: ${trouble.message}${issuerOf(certificate)}`,
      "If a proxy on the way inspects TLS, or the hub's certificate is from a private authority, " +
        "name that authority's file as ca_file in agent.toml.",
    );
  }
  if (isSilence(trouble)) {
    return new FarsiteError("E_TLS_TIMEOUT", `${url} took the connection and is silent in TLS`, INSPECTED);
  }
  if (isNoTls(code)) {
    return new FarsiteError("E_TLS_FAILED", `what answers at ${url} does not speak TLS`, SOMETHING_ELSE);
  }
  return new FarsiteError(
    "E_TLS_FAILED",
    `${url} took the connection and ended it in TLS: ${trouble.message || code}`,
    INSPECTED,
  );
}

/** Statuses by which networks that want something of their user first answer in place of what was asked. */
const isPortal = (status: number): boolean => (status >= 200 && status < 400) || status === 511;

/**
 * The error when the request for a WebSocket was answered with something else.
 * @param location the Location field, where there is one
 */
export function answerError(url: string, status: number, location?: string): FarsiteError {
  if (status === 503) {
    return new FarsiteError(
      "E_HUB_BUSY",
      `${url} takes no more handshakes for now`,
      "Wait a minute; an agent that runs tries again by itself.",
    );
  }
  if (status === 426 || status === 101) {
    return new FarsiteError(
      "E_UPGRADE_STRIPPED",
      `the request for a WebSocket did not reach ${url} whole (HTTP status ${status})`,
      "A proxy or firewall on the way takes the Upgrade header away: have WebSockets allowed for the hub's name, or " +
        "its TLS not inspected. At the hub, a reverse proxy must pass Upgrade and Connection on.",
    );
  }
  if (isPortal(status)) {
    const where = location && URL.parse(location)?.origin;
    return new FarsiteError(
      "E_CAPTIVE_PORTAL",
      `${url} did not answer as a Farsite hub (HTTP status ${status}${where ? `, leading to ${wireText(where)}` : ""})`,
      "A captive portal or a filtering proxy answers in the hub's place, or another web server runs there. See " +
        "what a browser on this host gets from that address.",
    );
  }
  return new FarsiteError(
    "E_NOT_A_HUB",
    `${url} did not answer as a Farsite hub (HTTP status ${status})`,
    SOMETHING_ELSE,
  );
}

/**
 * The error when what was asked for a carrier, over a connection with TLS, gave no HTTP answer.
 * @param wanted what was asked for
 */
export function requestError(url: string, trouble: Trouble, wanted = "a WebSocket"): FarsiteError {
  if (isSilence(trouble)) {
    return new FarsiteError(
      "E_HTTP_TIMEOUT",
      `${url} did not answer the request for ${wanted} in time`,
      "The hub, or a proxy on the way, is overloaded or holds the request back.",
    );
  }
  return new FarsiteError(
    "E_NOT_A_HUB",
    `${url} did not answer as a Farsite hub: ${wireText(trouble.message) || trouble.code}`,
    SOMETHING_ELSE,
  );
}

/** What Bun's WebSocket says when the connection ended before TLS was there. */
const BEFORE_TLS = /before secure TLS/;

/** Whether the failure of such a WebSocket leaves open which step failed, or who presented which certificate. */
export function isVague(trouble: Trouble): boolean {
  const { code = "", message } = trouble;
  const clear = isNameTrouble(trouble) || code === "ECONNREFUSED" || isNoTls(code) || code.startsWith("HPE_");
  return !clear && !BEFORE_TLS.test(message);
}

/** The error of a WebSocket that makes its connection itself: it says only how it ended. */
export function dialError(url: string, trouble: Trouble): FarsiteError {
  const { code = "", message } = trouble;
  if (isTrust(trouble) || isNoTls(code) || BEFORE_TLS.test(message)) return tlsError(url, trouble);
  if (code.startsWith("HPE_")) return requestError(url, trouble);
  return hubConnectError(url, trouble);
}

const CHANGED =
  "Something between this host and the hub changes what passes: a proxy or firewall that inspects TLS. Have the " +
  "hub's name exempted from it.";

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
  E_HANDSHAKE:
    "Once: the line broke. Always: something on the way ends or changes what passes; have the hub's name exempted " +
    "from TLS inspection, and see the hub's log.",
  E_CARRIER_LOST:
    "Now and then: nothing, the agent connects again. Often: something on the way ends connections that are old or " +
    "idle; for the old ones see carrier.max_age_seconds in agent.toml.",
  E_CARRIER_TAMPERED: `${CHANGED} The agent connects again, and nothing changed is ever taken.`,
  E_HANDSHAKE_TIMEOUT:
    "The hub, or something on the way, is too slow or silent. Try again, and see the hub's log.",
};

/** The same error with advice on what to do, where it has none; what is no such error is a fault in the agent. */
export function withAdvice(error: unknown): FarsiteError {
  if (!(error instanceof FarsiteError)) return new FarsiteError("E_INTERNAL", String(error));
  if (error.hint !== undefined) return error;
  return new FarsiteError(error.code, error.message, ADVICE[error.code], { cause: error });
}

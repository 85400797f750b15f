/** What went wrong on the way to the hub, in words that name the hop and what to do. */
import { FarsiteError } from "../../common/errors.ts";

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
      busy
        ? "It is tried again."
        : "Something else may answer there: a proxy, a captive portal, another server.",
    );
  }
  return new FarsiteError("E_HUB_UNREACHABLE", `no connection to ${url}: ${error.message || code}`);
}

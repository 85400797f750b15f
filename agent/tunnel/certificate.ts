/** Fetches the hub's self-made certificate once, at enrolment, and checks it against the token's fingerprint. */
import { createHash, timingSafeEqual, X509Certificate } from "node:crypto";
import { connect } from "node:tls";
import type { Clock } from "../../common/clock.ts";
import { FarsiteError } from "../../common/errors.ts";
import { dialError, silence } from "./failure.ts";

/**
 * The certificate (PEM) that `url` presents, if its SHA-256 is `fingerprint`. From then on it is the only one
 * trusted for that hub, with all of TLS's checks on. Nothing is sent over this one connection.
 * Throws E_TLS_UNTRUSTED or E_HUB_UNREACHABLE.
 */
export function fetchCertificate(
  url: string,
  fingerprint: Uint8Array,
  clock: Clock,
  timeout: number,
): Promise<string> {
  const { hostname, port } = new URL(url);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect({
    host: hostname.replace(/^\[|\]$/g, ""),
    port: Number(port || 443),
    // only to read the certificate, which is then checked against what the token says
    rejectUnauthorized: false,
  });
  const timer = clock.after(timeout, () => {
    socket.destroy();
    reject(silence(url, timeout));
  });
  socket.once("secureConnect", () => {
    const raw = socket.getPeerCertificate().raw;
    socket.destroy();
    const seen = createHash("sha256").update(raw).digest();
    if (timingSafeEqual(seen, fingerprint)) {
      resolve(new X509Certificate(raw).toString());
      return;
    }
    reject(
      new FarsiteError(
        "E_TLS_UNTRUSTED",
        `${url} presents another TLS certificate than the token's hub`,
        "The token is for another hub, the hub has made a new certificate since, or something on the way " +
          "inspects TLS. Ask the hub's operator for a new token first.",
      ),
    );
  });
  socket.once("error", (error: NodeJS.ErrnoException) => reject(dialError(url, error)));
  socket.once("close", () => timer.cancel());
  return promise;
}

/** Fetches the hub's self-made certificate once, at enrolment, and checks it against the token's fingerprint. */
import { createHash, timingSafeEqual, X509Certificate } from "node:crypto";
import type { Clock } from "../../common/clock.ts";
import { FarsiteError } from "../../common/errors.ts";
import { addressOf, limitOf, type Open, startTls } from "../route/index.ts";
import { issuerOf, tlsError } from "./failure.ts";

export interface FetchOptions {
  /** Opens the connection below TLS. */
  open: Open;
  clock: Clock;
  /** ms for all of it. */
  timeout: number;
}

/**
 * The certificate (PEM) that `url` presents, if its SHA-256 is `fingerprint`. From then on it is the only one
 * trusted for that hub, with all of TLS's checks on. Nothing is sent over this one connection.
 * Throws E_TLS_UNTRUSTED, or why no connection or no TLS came about.
 */
export async function fetchCertificate(
  url: string,
  fingerprint: Uint8Array,
  { open, clock, timeout }: FetchOptions,
): Promise<string> {
  const limit = limitOf(clock, timeout);
  const socket = await open(url, limit);
  // only to read the certificate, which is then checked against what the token says
  const peer = { host: addressOf(url).host, ca: undefined, verify: false };
  const tls = await startTls(socket, peer, limit, (trouble) => tlsError(url, trouble));
  const certificate = tls.getPeerCertificate();
  tls.destroy();
  const seen = createHash("sha256").update(certificate.raw).digest();
  if (timingSafeEqual(seen, fingerprint)) return new X509Certificate(certificate.raw).toString();
  throw new FarsiteError(
    "E_TLS_UNTRUSTED",
    `${url} presents another TLS certificate than the token's hub${issuerOf(certificate)}`,
    "The token is for another hub, the hub has made a new certificate since, or something on the way " +
      "inspects TLS. Ask the hub's operator for a new token first.",
  );
}

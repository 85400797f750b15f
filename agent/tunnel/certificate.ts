/** The certificate that is presented in a TLS handshake, read on a connection of its own, over which nothing is sent. */
import { createHash, timingSafeEqual, X509Certificate } from "node:crypto";
import type { PeerCertificate } from "node:tls";
import type { Clock } from "../../common/clock.ts";
import { FarsiteError } from "../../common/errors.ts";
import { addressOf, type Limit, limitOf, type Open, startTls } from "../route/index.ts";
import { issuerOf, tlsError } from "./failure.ts";

/** What is presented at `url`, by whomever: to be looked at, and trusted for nothing. */
export async function presentedCertificate(url: string, open: Open, limit: Limit): Promise<PeerCertificate> {
  const socket = await open(url, limit);
  const peer = { host: addressOf(url).host, ca: undefined, verify: false };
  const tls = await startTls(socket, peer, limit, (trouble) => tlsError(url, trouble));
  const certificate = tls.getPeerCertificate();
  tls.destroy();
  return certificate;
}

export interface FetchOptions {
  /** Opens the connection below TLS. */
  open: Open;
  clock: Clock;
  /** ms for all of it. */
  timeout: number;
}

/**
 * The hub's self-made certificate (PEM) as `url` presents it, if its SHA-256 is the token's `fingerprint`. From
 * then on it is the only one trusted for that hub, with all of TLS's checks on.
 * Throws E_TLS_UNTRUSTED, or why no connection or no TLS came about.
 */
export async function fetchCertificate(
  url: string,
  fingerprint: Uint8Array,
  { open, clock, timeout }: FetchOptions,
): Promise<string> {
  const certificate = await presentedCertificate(url, open, limitOf(clock, timeout));
  const seen = createHash("sha256").update(certificate.raw).digest();
  if (timingSafeEqual(seen, fingerprint)) return new X509Certificate(certificate.raw).toString();
  throw new FarsiteError(
    "E_TLS_UNTRUSTED",
    `${url} presents another TLS certificate than the token's hub${issuerOf(certificate)}`,
    "The token is for another hub, the hub has made a new certificate since, or something on the way " +
      "inspects TLS. Ask the hub's operator for a new token first.",
  );
}

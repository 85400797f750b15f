/** Where on the way from here to the hub a failure lies. */
import type { ErrorCode } from "../../common/errors.ts";

/** In the order in which they are passed. */
export type Hop = "name" | "proxy" | "connection" | "tls" | "http" | "handshake" | "hub" | "carrier";

const HOPS: Partial<Record<ErrorCode, Hop>> = {
  E_DNS: "name",
  E_PROXY_DNS: "proxy",
  E_PROXY_UNREACHABLE: "proxy",
  E_PROXY_TIMEOUT: "proxy",
  E_PROXY_TLS: "proxy",
  E_PROXY_PROTOCOL: "proxy",
  E_PROXY_AUTH_WANTED: "proxy",
  E_PROXY_AUTH_WRONG: "proxy",
  E_PROXY_AUTH_SCHEME: "proxy",
  E_PROXY_DENIED: "proxy",
  E_PROXY_UPSTREAM: "connection",
  E_HUB_UNREACHABLE: "connection",
  E_CONNECT_TIMEOUT: "connection",
  E_TLS_UNTRUSTED: "tls",
  E_TLS_FAILED: "tls",
  E_TLS_TIMEOUT: "tls",
  E_CAPTIVE_PORTAL: "http",
  E_NOT_A_HUB: "http",
  E_UPGRADE_STRIPPED: "http",
  E_HTTP_TIMEOUT: "http",
  E_HANDSHAKE: "handshake",
  E_HANDSHAKE_TIMEOUT: "handshake",
  E_HUB_KEY: "handshake",
  E_VERSION: "handshake",
  E_HUB_BUSY: "hub",
  E_KEY_UNKNOWN: "hub",
  E_KEY_REVOKED: "hub",
  E_SITE_DISABLED: "hub",
  E_CARRIER_LOST: "carrier",
  E_CARRIER_TAMPERED: "carrier",
  E_SESSION_LOST: "carrier",
  E_PATH_MTU: "carrier",
};

/** Undefined for what has no place on the way: a fault in the agent itself, a broken protocol. */
export function hopOf(code: ErrorCode): Hop | undefined {
  return HOPS[code];
}

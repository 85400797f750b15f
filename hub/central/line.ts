/** A line of the central side that sites may use: `[central.NAME]` of hub.toml. */

import { isIPv6 } from "node:net";
import { z } from "zod";
import { type Address, isLoopback, parseAddress } from "../../common/address.ts";
import { siteName, tenantName } from "../../common/names.ts";

const target = z
  .string()
  .refine((text) => parseAddress(text) !== undefined, '"tcp:HOST:PORT", "udp:HOST:PORT" or "unix:/path"')
  .transform((text) => ({ text, address: parseAddress(text) as Address }));

/** `*`, `TENANT` or `TENANT/SITE`. */
const allowed = z.string().refine((text) => {
  const [tenant = "", site, ...rest] = text.split("/");
  if (text === "*") return true;
  if (!tenantName.safeParse(tenant).success || rest.length > 0) return false;
  return site === undefined || siteName.safeParse(site).success;
}, '"*", "TENANT" or "TENANT/SITE"');

export const centralLine = z.strictObject({
  /** What the hub connects to, or sends datagrams to. */
  target,
  /** The sites that may use it. */
  sites: z.array(allowed).min(1).max(100_000),
  /** The address from which the hub does so; the default follows from target and pool. */
  source: z.enum(["site", "host"]).optional(),
  /** Connections of one site open at once. */
  streams: z.int().min(1).max(65_536).default(128),
  /** Connections that one site may open in a second. */
  opens_per_second: z.number().min(0.1).max(100_000).default(50),
  /** Seconds to connect to the target. */
  connect_seconds: z.number().min(0.1).max(300).default(10),
  /** Datagrams of one site that are sent on in a second. */
  datagrams_per_second: z.number().min(1).max(1_000_000).default(5000),
});
export type CentralLine = z.output<typeof centralLine>;

/** Whether a line is for a site. */
export function allows({ sites }: CentralLine, { tenant, name }: { tenant: string; name: string }): boolean {
  return sites.some((each) => each === "*" || each === tenant || each === `${tenant}/${name}`);
}

/**
 * Whether the target sees the site's own address from the pool, or this host's. A 127.x address reaches this host
 * only, and the pool has IPv4 addresses only.
 */
export function sourceOf({ source, target: { address } }: CentralLine, pool: string): "site" | "host" {
  if (source !== undefined) return source;
  if (address.kind === "unix" || isIPv6(address.host)) return "host";
  return !pool.startsWith("127.") || isLoopback(address.host) ? "site" : "host";
}

/** Why `source = "site"` cannot be; undefined when it can. */
export function wrongSource({ source, target: { address } }: CentralLine, pool: string): string | undefined {
  if (source !== "site") return undefined;
  if (address.kind === "unix") return '"host": a Unix socket does not see addresses';
  if (isIPv6(address.host)) return '"host": sites have IPv4 addresses, the target has none';
  if (pool.startsWith("127.") && /^[\d.]+$/.test(address.host) && !isLoopback(address.host)) {
    return '"host": what is on another host cannot be reached from a 127.x address';
  }
  return undefined;
}

/** What hub.toml says of TCP addresses for viewer sites, and which of these could not be had beside all else. */

import { z } from "zod";
import { siteName, tenantName } from "../../common/names.ts";
import {
  contains,
  isLoopbackIp,
  isWildcardIp,
  type Network,
  parseIp,
  parseNetwork,
} from "../../common/network.ts";

/** A TCP address: of a viewer, or of something else that listens. */
export interface Place {
  host: string;
  port: number;
}

/** Reads `IP:PORT` or `[IP]:PORT`; undefined: neither. */
export function parsePlace(text: string): Place | undefined {
  const match = /^(?:([\d.]+)|\[([\da-fA-F:.]+)\]):(\d{1,5})$/.exec(text);
  const [, four, six, digits] = match ?? [];
  const host = four ?? six;
  const port = Number(digits);
  if (host === undefined || !parseIp(host) || port < 1 || port > 65_535) return undefined;
  return { host, port };
}

/** What a viewer sees: one site, a tenant's sites, or all. */
export interface Scope {
  tenant?: string;
  site?: string;
}

/** Reads `TENANT/SITE`, `TENANT` or `*`; undefined: none of these. */
export function parseScope(text: string): Scope | undefined {
  if (text === "*") return {};
  const [tenant, site, more] = text.split("/");
  if (!tenantName.safeParse(tenant).success || more !== undefined) return undefined;
  if (site === undefined) return { tenant: tenant as string };
  return siteName.safeParse(site).success ? { tenant: tenant as string, site } : undefined;
}

const place = z.string().refine((text) => parsePlace(text) !== undefined, {
  error: 'an IP address and a port, such as "192.0.2.10:6560" or "[2001:db8::10]:6560"',
  abort: true,
});

const viewer = z
  .strictObject({
    listen: place,
    view: z
      .string()
      .refine((text) => parseScope(text) !== undefined, '"TENANT/SITE", "TENANT", or "*" for all tenants'),
    only_from: z
      .array(
        z
          .string()
          .refine(
            (text) => parseNetwork(text) !== undefined,
            'an address or a network with no bits behind its length, such as "192.0.2.7" or "2001:db8::/48"',
          ),
      )
      .min(1)
      .optional(),
    tls: z.enum(["self", "files", "off"]).optional(),
    certificate: z.string().optional(),
    key: z.string().optional(),
    client_authorities: z.string().optional(),
  })
  .superRefine((value, context) => {
    const expected = (path: string, input: unknown, message: string) =>
      void context.addIssue({ code: "custom", path: [path], input, message });
    if (value.only_from === undefined && !onLoopback(value.listen)) {
      expected("only_from", undefined, `who may come, since ${value.listen} can be reached from other hosts`);
    }
    const tls = tlsOf(value);
    for (const name of ["certificate", "key"] as const) {
      if (tls === "files" && value[name] === undefined)
        expected(name, undefined, 'a PEM file with tls = "files"');
      if (tls !== "files" && value[name] !== undefined)
        expected(name, value[name], 'nothing without tls = "files"');
    }
    if (tls === "off" && value.client_authorities !== undefined) {
      expected(
        "client_authorities",
        value.client_authorities,
        'tls = "self" or "files": there are no certificates without',
      );
    }
  });

export type ViewerConfig = z.output<typeof viewer>;

function onLoopback(listen: string): boolean {
  const address = parseIp(parsePlace(listen)?.host ?? "");
  return address !== undefined && isLoopbackIp(address);
}

/** Where nothing is said: TLS for all that can be reached from other hosts, none for what cannot. */
export function tlsOf({ listen, tls }: Pick<ViewerConfig, "listen" | "tls">): "self" | "files" | "off" {
  return tls ?? (onLoopback(listen) ? "off" : "self");
}

export const viewers = z.array(viewer).default([]);

/** What else of the hub listens. */
export interface Taken {
  /** The agents' listener. */
  agents: { address: string; port: number };
  /** Of the sites' addresses, and the ports at each of them. */
  pool: string;
  ports: Record<string, number>;
}

/** For each viewer whose address cannot be had beside another, what it would have to be instead. */
export function collisions(all: readonly ViewerConfig[], taken: Taken): Map<number, string> {
  const found = new Map<number, string>();
  const pool = parseNetwork(taken.pool);
  const ports = new Map(Object.entries(taken.ports).map(([service, port]) => [port, service]));
  const places = all.map(({ listen }) => parsePlace(listen));
  for (const [at, own] of places.entries()) {
    if (!own) continue;
    const before = places.findIndex((other, index) => index < at && other && overlap(own, other));
    const service = ports.get(own.port);
    if (before >= 0) found.set(at, `an address and port of its own, not that of viewer.${before}`);
    else if (overlap(own, { host: taken.agents.address, port: taken.agents.port }))
      found.set(at, "an address and port of its own, not that of the agents (listen)");
    else if (service !== undefined && pool && reaches(own.host, pool))
      found.set(
        at,
        `an address or port of its own, not that of the sites' ${service} (endpoints.pool, services)`,
      );
  }
  return found;
}

/** Whether who listens at one place is in the other's way. "::" is every address, those of IPv4 too. */
export function overlap(a: Place, b: Place): boolean {
  if (a.port !== b.port) return false;
  const [one, two] = [parseIp(a.host), parseIp(b.host)];
  if (!one || !two) return false;
  if (one.family === two.family && one.value === two.value) return true;
  return [one, two].some((each) => isWildcardIp(each) && (each.family === 6 || one.family === two.family));
}

function reaches(host: string, pool: Network): boolean {
  const address = parseIp(host);
  return address !== undefined && (isWildcardIp(address) || contains(pool, address));
}

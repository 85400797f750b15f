/** Whose job it is: the one who can mend what an error is about. */
import type { ErrorCode } from "../../common/errors.ts";
import { type Hop, hopOf } from "../tunnel/index.ts";

export const OWNERS = {
  network: "the administrators of this network's firewalls",
  names: "the administrators of this network's DNS",
  proxy: "the proxy's administrators",
  host: "this host's administrators",
  hub: "the hub's operator",
  developers: "Farsite's developers",
} as const;

export type Owner = keyof typeof OWNERS;

/** Whose it mostly is, by the hop ... */
const BY_HOP: Record<Hop, Owner> = {
  name: "names",
  proxy: "proxy",
  connection: "network",
  tls: "network",
  http: "network",
  handshake: "network",
  hub: "hub",
  carrier: "network",
};

/** ... and where the code says more than that. */
const BY_CODE: Partial<Record<ErrorCode, Owner>> = {
  // agent.toml, or the environment, names it
  E_PROXY_DNS: "host",
  E_PROXY_PROTOCOL: "host",
  E_PROXY_TLS: "host",
  E_PROXY_AUTH_WANTED: "host",
  E_PROXY_AUTH_WRONG: "host",
  E_PROXY_UPSTREAM: "proxy",
  E_VERSION: "hub",
  E_INTERNAL: "developers",
  E_PROTOCOL: "developers",
};

/** What has no place on the way is on this host. */
export function ownerOf(code: ErrorCode): Owner {
  const hop = hopOf(code);
  return BY_CODE[code] ?? (hop ? BY_HOP[hop] : "host");
}

/** Those outside of this host's and the hub's administration, who want a text to go by. */
export const isNetwork = (owner: Owner | undefined): boolean =>
  owner === "network" || owner === "names" || owner === "proxy";

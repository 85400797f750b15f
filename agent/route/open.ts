/** Opens the connection to the hub on the way that is chosen for it: everything below TLS. */
import type { Socket } from "node:net";
import type { Random } from "../../common/random.ts";
import { connectThrough } from "./connect.ts";
import { hubConnectError } from "./failure.ts";
import type { RouteTo } from "./route.ts";
import type { Limit } from "./step.ts";
import { addressOf, openTcp } from "./tcp.ts";

/**
 * Opens a connection to the host and port of `url`. Throws E_DNS, E_CONNECT_TIMEOUT, E_HUB_UNREACHABLE, or,
 * when the route is through a proxy, one of the E_PROXY_... errors.
 */
export type Open = (url: string, limit: Limit) => Promise<Socket>;

export interface OpenerOptions {
  routeTo: RouteTo;
  random: Random;
  /** Authorities (PEM) for proxies that are spoken to over TLS, instead of the system's. */
  ca: string[] | undefined;
  /** A proxy took the credentials that were given in that scheme. */
  authenticated?: (scheme: string) => void;
}

export function opener({ routeTo, random, ca, authenticated }: OpenerOptions): Open {
  return (url, limit) => {
    const route = routeTo(url);
    if (route.kind === "direct") return openDirectly(url, limit);
    return connectThrough(route.proxy, addressOf(url), { random, limit, ca, authenticated });
  };
}

export const openDirectly: Open = (url, limit) =>
  openTcp(addressOf(url), limit, (trouble, naming) => hubConnectError(url, trouble, naming));

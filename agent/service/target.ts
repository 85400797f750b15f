/** A local target: where a service really is. */

import { parseAddress } from "../../common/address.ts";

export type Target = { host: string; port: number } | { path: string };

/** Reads `tcp:HOST:PORT`, `tcp:[IPV6]:PORT` or `unix:/path`; undefined when it is none of these. */
export function parseTarget(text: string): Target | undefined {
  const address = parseAddress(text);
  switch (address?.kind) {
    case "tcp":
      return { host: address.host, port: address.port };
    case "unix":
      return { path: address.path };
    default:
      return undefined;
  }
}

/** Where the agent listens: an address of this host. */

import { isIP } from "node:net";
import { type Address, parseAddress } from "../../common/address.ts";

/** As `parseAddress`, with an IP address and no name for the host: what is open must be seen in the file. */
export function parseListenAddress(text: string): Address | undefined {
  const address = parseAddress(text);
  return address?.kind === "unix" || (address && isIP(address.host) !== 0) ? address : undefined;
}

/** The same text for the same place, however it is written. */
export function placeOf(address: Address): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  const { kind, host, port } = address;
  // URL has the one short form of an IPv6 address
  return `${kind}:${isIP(host) === 6 ? new URL(`http://[${host}]`).hostname : host}:${port}`;
}

/** Where something listens or is reached, as both configurations write it. */

export type Address =
  | { kind: "tcp"; host: string; port: number }
  | { kind: "udp"; host: string; port: number }
  | { kind: "unix"; path: string };

/** Longest path of a Unix socket, in bytes (sun_path less its final NUL, unix(7)). */
const MAX_PATH = 107;

/**
 * Reads `tcp:HOST:PORT`, `udp:HOST:PORT` (HOST a name, an IPv4 address or an IPv6 address in brackets) or
 * `unix:/path`; undefined when it is none of these.
 */
export function parseAddress(text: string): Address | undefined {
  if (/\p{Cc}/u.test(text)) return undefined;
  if (text.startsWith("unix:/")) {
    const path = text.slice("unix:".length);
    return Buffer.byteLength(path) <= MAX_PATH ? { kind: "unix", path } : undefined;
  }
  const match = /^(tcp|udp):(?:\[([0-9a-fA-F:.]+)\]|([^:\s[\]]+)):(\d{1,5})$/.exec(text);
  const host = match?.[2] ?? match?.[3];
  const port = Number(match?.[4]);
  if (host === undefined || port < 1 || port > 65_535) return undefined;
  return { kind: match?.[1] === "udp" ? "udp" : "tcp", host, port };
}

/** Whether only programs of this host reach a host given as an address; a name is looked at as it stands. */
export function isLoopback(host: string): boolean {
  return /^127(\.\d{1,3}){3}$/.test(host) || host === "::1" || host === "localhost";
}

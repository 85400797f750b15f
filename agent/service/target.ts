/** A local target: where a service really is. */

export type Target = { host: string; port: number } | { path: string };

/** Longest path of a Unix socket, in bytes (sun_path less its final NUL, unix(7)). */
const MAX_PATH = 107;

/** Reads `tcp:HOST:PORT`, `tcp:[IPV6]:PORT` or `unix:/path`; undefined when it is none of these. */
export function parseTarget(text: string): Target | undefined {
  if (/\p{Cc}/u.test(text)) return undefined;
  if (text.startsWith("unix:/")) {
    const path = text.slice("unix:".length);
    return Buffer.byteLength(path) <= MAX_PATH ? { path } : undefined;
  }
  const match = /^tcp:(?:\[([0-9a-fA-F:.]+)\]|([^:\s[\]]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host !== undefined && port >= 1 && port <= 65_535 ? { host, port } : undefined;
}

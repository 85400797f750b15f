/** Who listens on this host, as the kernel tells it: asking the ports themselves would be seen by those behind them. */
import { readFileSync } from "node:fs";
import { listensAt } from "../core/index.ts";

/** State of a TCP socket in /proc/net/tcp (proc(5), net/tcp_states.h). */
const LISTEN = "0A";
const LINE = /^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) \S+ ([0-9A-F]{2}) /;

export interface Listeners {
  /** Addresses at which somebody listens on a TCP port. */
  addresses(port: number): readonly string[];
  /** Whether somebody listens at a Unix socket. */
  socket(path: string): boolean;
}

/** The listeners of this network namespace, as they are now. */
export function systemListeners(): Listeners {
  const found = [...parseTcp(contentsOf("/proc/net/tcp")), ...parseTcp(contentsOf("/proc/net/tcp6"))];
  return {
    addresses: (port) => found.filter((each) => each.port === port).map(({ address }) => address),
    socket: listensAt,
  };
}

function contentsOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** Listening sockets of a table of the kernel. */
export function parseTcp(table: string): { address: string; port: number }[] {
  return table.split("\n").flatMap((line) => {
    const [, address = "", port = "", state] = LINE.exec(line) ?? [];
    return state === LISTEN ? [{ address: addressOf(address), port: Number.parseInt(port, 16) }] : [];
  });
}

/** The kernel writes each 32 bits of an address in its own order; both of Linux's processors here are little-endian. */
function addressOf(hex: string): string {
  const bytes = Buffer.from(hex, "hex");
  for (let at = 0; at < bytes.length; at += 4) bytes.subarray(at, at + 4).reverse();
  if (bytes.length === 4) return [...bytes].join(".");
  if (bytes.subarray(0, 12).equals(MAPPED)) return [...bytes.subarray(12)].join(".");
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16));
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}

/** ::ffff:0:0/96, IPv4 in an IPv6 socket. */
const MAPPED = Buffer.from("00000000000000000000ffff", "hex");

/** The address by which this host itself reaches a listener, as a target has it; undefined when there is none. */
export function reachable(addresses: readonly string[]): string | undefined {
  const everywhere = ["0.0.0.0", "::", "127.0.0.1"];
  if (addresses.some((address) => everywhere.includes(address))) return "127.0.0.1";
  // another 127.x is a name for something else: a hub on this host has an address of that kind for each site
  const [first] = addresses.filter((address) => !address.startsWith("127.")).toSorted();
  return first?.includes(":") ? `[${first}]` : first;
}

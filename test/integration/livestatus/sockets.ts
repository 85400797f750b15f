/** Who is connected to a core, as the kernel says (proc(5): net/unix, net/tcp, fd). */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

const CONNECTED = "03";

/** Connections at a listening Unix socket, those that wait to be accepted included. */
export function connectionsAt(path: string): number {
  return table("unix").filter((fields) => fields[5] === CONNECTED && fields[7] === path).length;
}

/** A process's own TCP sockets towards a port of 127.0.0.1. */
export function connectionsTo(port: number, pid: number): number {
  const remote = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const own = socketsOf(pid);
  return table("tcp").filter((fields) => fields[2] === remote && own.has(fields[9] ?? "")).length;
}

function table(name: string): string[][] {
  const lines = readFileSync(`/proc/net/${name}`, "utf8").trim().split("\n").slice(1);
  return lines.map((line) => line.trim().split(/\s+/));
}

/** The inodes of a process's sockets. */
function socketsOf(pid: number): Set<string> {
  const inodes = new Set<string>();
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      if (inode !== undefined) inodes.add(inode);
    } catch {
      // closed in between
    }
  }
  return inodes;
}

/** What detection finds, and what it proposes. */
import type { Rights } from "./rights.ts";

/** An OMD site of this host, or a core that runs without OMD. */
export interface Found {
  kind: "checkmk" | "omd" | "icinga2" | "naemon" | "nagios";
  /** The site's ID; a core without OMD has none, and is called by its kind. */
  name: string;
  version: string | undefined;
  edition: string | undefined;
  /** Its monitoring core, as the site calls it. */
  core: string | undefined;
  /** Whether its core listens for Livestatus. */
  state: "running" | "stopped";
  livestatus: Livestatus | undefined;
  /** Ports of its other services, whether the hub can reach them or not. */
  ports: Ports;
  /** What the hub should be able to reach, by the services' names. */
  services: Record<string, string>;
  /** What the agent's user lacks; undefined when no Unix socket is proposed. */
  rights: Rights | undefined;
  /** What whoever reads it should know or do. */
  notes: string[];
  /** What could not be read or understood. */
  problems: string[];
}

export interface Livestatus {
  socket: string;
  tcp: { port: number; tls: boolean; admitsLoopback: boolean } | undefined;
}

export interface Ports {
  http?: number;
  livestatus?: number;
  eventConsole?: number;
  notify?: number;
  agentReceiver?: number;
  broker?: number;
}

/** A target in agent.toml's words. */
export const unixTarget = (path: string): string => `unix:${path}`;
export const tcpTarget = (port: number, host = "127.0.0.1"): string => `tcp:${host}:${port}`;

/** The target for Livestatus: the Unix socket, unless that is closed to the agent and a plain port is not. */
export function livestatusTarget({ socket, tcp }: Livestatus, rights: Rights): string {
  const closed = rights.state === "closed" || rights.state === "shut";
  // what has TLS of its own passes the hub unread: no cache, no policy, no answer while the site is away
  return closed && tcp && !tcp.tls && tcp.admitsLoopback ? tcpTarget(tcp.port) : unixTarget(socket);
}

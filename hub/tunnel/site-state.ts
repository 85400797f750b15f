/** What is known of a site's tunnel. */
import type { CoreReport } from "../../common/core.ts";
import type { Listens } from "../../common/handshake/index.ts";

export interface AgentInfo {
  /** The agent's release and host name, as it says. */
  version: string;
  host: string;
  /** The agent's clock less the hub's, ms. */
  clockSkew: number;
}

export interface SiteState {
  state: "connected" | "interrupted" | "disconnected";
  /** ms since the epoch of the last change of state. */
  since: number;
  /** Why it is not connected. */
  reason?: string;
  peer?: string;
  carrier?: string;
  rtt?: number;
  streams: number;
  agent?: AgentInfo;
  /** What the agent offers. */
  offers: string[];
  /** What it listens for, if anything. */
  listens?: Listens;
  /** Its agent lets no stream in. */
  pushOnly?: boolean;
  /** How the agent finds its core, as it last said. */
  core?: CoreReport;
  /** ms since the carrier was lost, while the session waits for the next one. */
  away?: number;
  /** The session ended while it had no carrier, rather than by the word of either side. */
  lost?: boolean;
}

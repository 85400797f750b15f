/** Finds the monitoring sites of a host, and what an agent could offer of them. */
import { type Found, tcpTarget } from "./found.ts";
import type { Host } from "./host.ts";
import { findIcinga } from "./icinga.ts";
import { reachable } from "./listeners.ts";
import { findNagios } from "./nagios.ts";
import { findOmdSites } from "./omd.ts";

/** Where the Checkmk agent of a host answers. */
const CHECKMK_AGENT = 6556;

export interface Detection {
  sites: Found[];
  /** What is wrong with the host as a whole. */
  problems: string[];
}

/** Looks at files and at the kernel's lists only: nothing is connected to, nothing is run, nothing is changed. */
export function detect(host: Host): Detection {
  const problems: string[] = [];
  const omd = findOmdSites(host, problems);
  // beside OMD, other cores on the host are not what the agent is there for
  const sites = omd.length > 0 ? omd : [...findIcinga(host), ...findNagios(host)];
  const agent = reachable(host.listeners.addresses(CHECKMK_AGENT));
  for (const site of sites) {
    // without Livestatus nothing can be said of a site; then its host's agent is of no use either
    if (agent !== undefined && site.services.livestatus !== undefined) {
      site.services["cmk-agent"] = tcpTarget(CHECKMK_AGENT, agent);
    }
  }
  return { sites, problems };
}

/** Wires the sites' Livestatus. */

import { type Reconfigurable, switched } from "../../common/config/index.ts";
import { policyOf } from "../../common/livestatus/index.ts";
import { type HubConfig, policyFor } from "../config/index.ts";
import { Livestatus, type LivestatusOptions, type LivestatusRules } from "../livestatus/index.ts";

type LivestatusParts = Omit<LivestatusOptions, keyof LivestatusRules>;

export function openLivestatus(
  config: HubConfig,
  parts: LivestatusParts,
): { livestatus: Livestatus; part: Reconfigurable<HubConfig> } {
  const livestatus = new Livestatus({ ...rulesOf(config), ...parts });
  const part = switched<HubConfig>(["livestatus", "policy"], (changed) =>
    livestatus.reconfigure(rulesOf(changed)),
  );
  return { livestatus, part };
}

function rulesOf(hub: HubConfig): LivestatusRules {
  const config = hub.livestatus;
  return {
    limits: {
      channels: config.channels,
      channelTimeout: config.channel_timeout_seconds * 1000,
      queryTimeout: config.query_timeout_seconds * 1000,
      requestTimeout: config.request_seconds * 1000,
      idleTimeout: config.idle_seconds * 1000,
      clients: config.clients,
    },
    cache: { entries: config.cache_entries, bytes: config.cache_mib * (1 << 20) },
    policy: (site) => policyOf(policyFor(hub, site)),
  };
}

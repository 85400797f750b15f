/** What answers clients for the sites: endpoints, Livestatus, HTTP, many sites as one, viewers, problems; and the inbox. */
import { join } from "node:path";
import type { Reconfigurable } from "../../common/config/index.ts";
import { LIVESTATUS } from "../../common/core.ts";
import type { Drainable } from "../../common/drain.ts";
import { INTERACTIVE } from "../../common/mux/index.ts";
import { withUntold } from "../../common/notices.ts";
import type { HubConfig } from "../config/index.ts";
import { Endpoints, type SiteServer, type Views } from "../endpoint/index.ts";
import type { Syncs } from "../http/index.ts";
import type { SiteObserver } from "../hub.ts";
import type { View } from "../livestatus/federation/index.ts";
import { type Livestatus, StateFile, trafficDetails } from "../livestatus/index.ts";
import type { LiveProblems } from "../problems/index.ts";
import type { Viewers } from "../viewer/index.ts";
import { openFederation } from "./federation.ts";
import type { Ground } from "./ground.ts";
import { openHttp } from "./http.ts";
import { type OpenInbox, openInbox } from "./inbox.ts";
import { openLivestatus } from "./livestatus.ts";
import { openProblems } from "./problems.ts";
import type { Records } from "./records.ts";
import type { Tunnels } from "./tunnels.ts";
import { openViewers } from "./viewers.ts";

/** In the run directory. */
const STATE_FILE = "livestatus.state";

export interface Answers {
  endpoints: Endpoints;
  livestatus: Livestatus;
  syncs: Syncs;
  stateFile: StateFile;
  /** Asks the sites of a tenant, or of all, as one. */
  queries: (tenant?: string) => View;
  views: Views;
  viewers: Viewers;
  problems: LiveProblems;
  letters: OpenInbox;
  /** Clients that were refused, by where. */
  refused: { service: number; viewer: number };
  /** Who must know which sites there are. */
  observers: readonly SiteObserver[];
  /** What a reload changes of it. */
  parts: readonly Reconfigurable<HubConfig>[];
  /** What is let come to its end when the hub stops. */
  draining: readonly Drainable[];
}

export function openAnswers(ground: Ground, records: Records, tunnels: Tunnels): Answers {
  const { places, config, current, clock, random, log } = ground;
  const { registry, recorder, keys } = records;
  const { sites, states, history, unreachable, leaving, packed, openNew } = tunnels;
  const refused = { service: 0, viewer: 0 };
  const { livestatus, part: livestatusPart } = openLivestatus(config, {
    clock,
    log,
    open: (siteId) => sites.open(siteId, LIVESTATUS, INTERACTIVE, packed(LIVESTATUS)),
    unreachable,
    leaving,
    generation: (siteId) => states.generation(siteId),
    answered: (siteId, ms) => history.answered(siteId, ms),
    refused: ({ tenant, site, client, user, request, by, reason, untold }) => {
      const actor = { who: user ? `client ${user}` : "client", from: client };
      const detail = `${request}, refused by the ${by}: ${reason}`;
      recorder.record(actor, "livestatus.refuse", `${tenant}/${site}`, withUntold(detail, untold));
    },
    commanded: ({ tenant, site, client, user, request, untold }) => {
      const actor = { who: user ? `client ${user}` : "client", from: client };
      recorder.record(actor, "livestatus.command", `${tenant}/${site}`, withUntold(request, untold));
    },
  });
  const http = openHttp(config, {
    open: openNew,
    unreachable: (siteId) => sites.unreachable(siteId) ?? leaving(siteId),
    packed,
    clock,
    log,
  });
  const endpoints = new Endpoints({
    ports: config.services,
    packed,
    runDir: places.runDir,
    clock,
    log,
    served: new Map<string, SiteServer>([[LIVESTATUS, livestatus], ...http.served]),
    open: openNew,
    count: () => void refused.service++,
    refused: ({ tenant, name }, service, reason) =>
      recorder.record("agent", "service.refuse", `${tenant}/${name}`, `${service}; ${reason}`),
  });
  const stateFile = new StateFile({
    path: join(places.runDir, STATE_FILE),
    clock,
    log,
    records: () => states.records(),
    tunnel: (siteId) => sites.state(siteId),
    details: (site) => trafficDetails(livestatus.state(site), current().livestatus.channels),
  });
  const many = openFederation({
    config,
    stateDir: places.stateDir,
    runDir: places.runDir,
    livestatus,
    states,
    tunnel: (siteId) => sites.state(siteId),
    unreachable: (siteId) => unreachable(siteId) ?? leaving(siteId),
    clock,
    random,
    log,
  });
  const { federation, views } = many;
  const problems = openProblems(config, { federation, unreachable, registry, clock, random, log });
  const letters = openInbox(config, {
    stateDir: places.stateDir,
    keys,
    registry,
    recorder,
    clock,
    random,
    log,
  });
  const { viewers, part: viewersPart } = openViewers({
    config,
    stateDir: places.stateDir,
    livestatus,
    federation,
    sites: many.sites,
    recorder,
    count: () => void refused.viewer++,
    clock,
    log,
  });
  const served = http.served.map(([, service]) => service);
  return {
    endpoints,
    livestatus,
    syncs: http.syncs,
    stateFile,
    queries: (tenant) => federation.view(tenant),
    views,
    viewers,
    problems,
    letters,
    refused,
    observers: [many.sites, federation, views, http.syncs, letters.inbox, problems, letters.refusals],
    parts: [livestatusPart, http.part, many.part, letters.part, viewersPart],
    draining: [endpoints, views, viewers, livestatus, federation, ...served],
  };
}

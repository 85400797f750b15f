/** The sites' tunnels, and what is known from them: states, history, keys; and what agents open towards the hub. */
import type { Stream } from "../../common/mux/index.ts";
import { withUntold } from "../../common/notices.ts";
import { OUTBOX } from "../../common/outbox/index.ts";
import { Central, dialTarget, openSender } from "../central/index.ts";
import type { EndpointsOptions } from "../endpoint/index.ts";
import { lengthsOf, Recorder } from "../history/index.ts";
import { KeyRenewal } from "../keys/index.ts";
import { SiteStates } from "../livestatus/index.ts";
import type { Site } from "../registry/index.ts";
import { SiteChanges } from "../site-changes.ts";
import { TunnelledSites } from "../tunnel/index.ts";
import { DAY, type Ground } from "./ground.ts";
import type { Records } from "./records.ts";

/** Who stands behind the tunnels; they are made after them. */
export interface Behind {
  /** A site's state may be another one. */
  changed: (siteId: number) => void;
  /** Takes what a site's outbox sends. */
  outbox: (site: Site, stream: Stream) => void;
}

export interface Tunnels {
  sites: TunnelledSites;
  states: SiteStates;
  changes: SiteChanges;
  history: Recorder;
  renewal: KeyRenewal;
  central: Central;
  /** Lines of the central side that were refused. */
  refused: () => number;
  /** Why a site's core cannot be asked now; undefined when it can. */
  unreachable: (siteId: number) => string | undefined;
  /** Why nothing new is begun with a site whose agent is about to stop. */
  leaving: (siteId: number) => string | undefined;
  /** Whether a service's data is compressed on its way. */
  packed: (service: string) => boolean;
  /** For who asks something new, whatever is under way already. */
  openNew: EndpointsOptions["open"];
}

export function openTunnels(ground: Ground, records: Records, behind: Behind): Tunnels {
  const { config, current, clock, random, log } = ground;
  const { registry, recorder, keys, agentKeys } = records;
  const hold = config.limits.hold_seconds * 1000;
  const grace = config.limits.grace_seconds * 1000;
  const changes = new SiteChanges();
  const states = new SiteStates({
    clock,
    log,
    tunnel: (siteId) => sites.state(siteId),
    hold,
    grace,
    changed: (siteId) => {
      behind.changed(siteId);
      changes.changed(siteId);
    },
  });
  let refused = 0;
  const central = new Central({
    lines: config.central,
    pool: config.endpoints.pool,
    clock,
    log,
    dial: dialTarget,
    openSender,
    count: () => void refused++,
    refused: ({ tenant, site, line, reason, untold }) => {
      const detail = withUntold(`${line}; ${reason}`, untold);
      recorder.record("agent", "central.refuse", `${tenant}/${site}`, detail);
    },
  });
  const sites = new TunnelledSites({
    clock,
    random,
    log,
    defer: setImmediate,
    session: { grace, deadAfter: config.limits.dead_seconds * 1000 },
    maxStreams: config.limits.streams,
    counted: new Set([...Object.keys(config.services), ...Object.keys(config.central), OUTBOX]),
    hold,
    changed: (siteId) => {
      states.update(siteId);
      changes.changed(siteId);
    },
    carriers: {
      came: (siteId, carrier) => history.came(siteId, carrier),
      went: (siteId, reason) => history.went(siteId, reason),
    },
    lost: (siteId) => void registry.seen(siteId).catch(() => log.warn("the registry cannot be written")),
    greeting: (site) => renewal.greeting(site),
    keyOffered: (site, key) => void renewal.offered(site, key),
    accept: (caller, stream) => {
      if (stream.service === OUTBOX) behind.outbox(caller.site, stream);
      else central.accept(caller, stream);
    },
  });
  const renewal = new KeyRenewal({
    keys,
    agentKeys,
    registry,
    sites,
    agentAge: config.keys.agent_days * DAY,
    hubAge: config.keys.hub_days * DAY,
    overlap: config.keys.overlap_days * DAY,
    clock,
    log,
  });
  const history = new Recorder({
    clock,
    sample: (siteId) => {
      const traffic = sites.traffic(siteId);
      return traffic && { ...traffic, rtt: sites.rtt(siteId) };
    },
    lengths: lengthsOf(config.history),
  });
  const leaving = (siteId: number) => sites.leaving(siteId);
  return {
    sites,
    states,
    changes,
    history,
    renewal,
    central,
    refused: () => refused,
    unreachable: (siteId) => states.unreachable(siteId) ?? sites.unreachable(siteId),
    leaving,
    packed: (service) => current().compress.includes(service),
    openNew: (siteId, ...stream) =>
      leaving(siteId) === undefined ? sites.open(siteId, ...stream) : undefined,
  };
}

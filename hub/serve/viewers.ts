/** Wires the TCP addresses for viewer sites. */

import type { Clock } from "../../common/clock.ts";
import type { Reconfigurable } from "../../common/config/index.ts";
import { LIVESTATUS } from "../../common/core.ts";
import type { Log } from "../../common/log.ts";
import type { HubConfig, Scope } from "../config/index.ts";
import type { Federation } from "../livestatus/federation/index.ts";
import type { Livestatus } from "../livestatus/index.ts";
import type { AuditWriter } from "../registry/index.ts";
import { hostOf } from "../tls/index.ts";
import { type ViewerServer, Viewers } from "../viewer/index.ts";
import type { Sites } from "./federation.ts";

export interface ViewerParts {
  config: HubConfig;
  stateDir: string;
  livestatus: Livestatus;
  federation: Federation;
  sites: Sites;
  recorder: AuditWriter;
  /** Counts clients that were refused. */
  count: () => void;
  clock: Clock;
  log: Log;
}

export function openViewers(parts: ViewerParts): { viewers: Viewers; part: Reconfigurable<HubConfig> } {
  const { config, stateDir, recorder, count, clock, log } = parts;
  const viewers = new Viewers({
    viewers: config.viewer,
    stateDir,
    host: hostOf(config.url),
    handshakes: config.limits.handshakes,
    handshakesPerAddress: config.limits.handshakes_per_address,
    handshakeTimeout: config.limits.handshake_seconds * 1000,
    resolve: (scope) => resolve(scope, parts),
    refused: (client, view, detail) =>
      recorder.record({ who: "client", from: client }, "viewer.refuse", view, detail),
    count,
    clock,
    log,
  });
  // the files of their certificates may be new although hub.toml is not
  const part: Reconfigurable<HubConfig> = {
    keys: ["viewer", "url"],
    always: true,
    prepare: (changed) => viewers.prepare(changed.viewer, hostOf(changed.url)),
  };
  return { viewers, part };
}

/** What there is to see now: sites come and go while the hub runs. */
function resolve(
  { tenant, site }: Scope,
  { federation, livestatus, sites }: ViewerParts,
): ViewerServer | string {
  if (tenant === undefined) return federation.view(undefined);
  const own = sites.of(tenant);
  if (!own) return `the tenant ${tenant} has no sites`;
  if (site === undefined) return federation.view(tenant);
  const found = own.get(site);
  if (!found) return `there is no site ${tenant}/${site}`;
  if (!found.services.includes(LIVESTATUS)) return `${tenant}/${site} has no service ${LIVESTATUS}`;
  return { serve: (socket, done, opaque) => livestatus.serve(found, socket, done, opaque) };
}

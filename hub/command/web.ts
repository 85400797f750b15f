/** Wires the web interface, where hub.toml has `[web]`. */

import type { Clock } from "../../common/clock.ts";
import type { Log } from "../../common/log.ts";
import type { Random } from "../../common/random.ts";
import { Access } from "../access/index.ts";
import type { KeyedCertificate } from "../certificate.ts";
import type { Hub } from "../hub.ts";
import { ApiTokens, type Store, Users, WebSessions } from "../registry/index.ts";
import type { SiteChanges } from "../site-changes.ts";
import { readPair } from "../tls.ts";
import { listenWeb, type Mounts, siteApp, type WebListener } from "../web/site/index.ts";
import type { WebConfig } from "../web-config.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

export interface WebParts {
  web: WebConfig;
  /** The hub's own certificate. */
  tls: KeyedCertificate | undefined;
  hub: Hub;
  changes: SiteChanges;
  store: Store;
  clock: Clock;
  random: Random;
  log: Log;
}

/** Listens. Throws E_LISTEN or E_CONFIG. */
export function openWeb(parts: WebParts): WebListener {
  const { web, hub, changes, store, clock, random, log } = parts;
  const wall = () => clock.wall();
  const access = new Access({
    hub,
    changes,
    users: new Users(store, wall),
    sessions: new WebSessions(store, wall, { all: web.sessions, ofOne: web.sessions_per_user }),
    tokens: new ApiTokens(store, wall),
    random,
    wall,
    idle: web.session_idle_minutes * MINUTE,
    lifetime: web.session_hours * HOUR,
  });
  const mounts: Mounts = {};
  return listenWeb(web, certificateFor(parts), siteApp({ web, access, mounts, random, log }));
}

function certificateFor({ web, tls }: WebParts): KeyedCertificate | undefined {
  if (web.tls === "off") return undefined;
  if (web.tls === "hub") return tls;
  return readPair(web.certificate ?? "", web.key ?? "", "web.certificate", "web.key").identity;
}

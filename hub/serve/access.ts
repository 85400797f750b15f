/** Wires who may do what; also without a web interface, for there may be one after the next start. */

import type { Clock } from "../../common/clock.ts";
import { FarsiteError } from "../../common/errors.ts";
import { readSecretFile } from "../../common/files.ts";
import type { Log } from "../../common/log.ts";
import type { Random } from "../../common/random.ts";
import { Access, type OidcConfig, OidcProvider, Passwords, type ReachParts } from "../access/index.ts";
import { type WebConfig, webConfig, webUrl } from "../config/index.ts";
import { type Actor, ApiTokens, type Store, Users, WebSessions } from "../registry/index.ts";
import { readAuthorities } from "../tls/index.ts";
import { CALLBACK_PATH } from "../web/site/index.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

export interface AccessParts extends ReachParts {
  /** Undefined: there is no web interface. */
  web: WebConfig | undefined;
  store: Store;
  passwords?: Passwords;
  record: (actor: Actor, action: string, target: string, detail: string) => void;
  clock: Clock;
  random: Random;
  log: Log;
}

/** Throws E_CONFIG or E_KEY_FILE. */
export function openAccess({ store, record, clock, ...parts }: AccessParts): Access {
  const web = parts.web ?? webConfig.parse({});
  const wall = () => clock.wall();
  return new Access({
    ...parts,
    clock,
    users: new Users(store, wall),
    sessions: new WebSessions(store, wall, { all: web.sessions, ofOne: web.sessions_per_user }),
    tokens: new ApiTokens(store, wall),
    passwords: parts.passwords ?? new Passwords(),
    provider: web.oidc && openProvider(web.oidc, webUrl(web), wall),
    record: (actor, action, detail) => record(actor, action, "", detail),
    limits: {
      idle: web.session_idle_minutes * MINUTE,
      lifetime: web.session_hours * HOUR,
      foreignLifetime: (web.oidc?.session_hours ?? 0) * HOUR,
      failures: web.login_failures,
      lock: web.login_lock_minutes * MINUTE,
      failuresPerAddress: web.login_failures_per_address,
    },
  });
}

function openProvider(config: OidcConfig, url: string, wall: () => number): OidcProvider {
  const { client_secret_file: path, ca_file: authorities } = config;
  const secret = readSecretFile(path)?.trim();
  if (!secret)
    throw new FarsiteError("E_KEY_FILE", `web.oidc.client_secret_file ${path} is missing or empty`);
  return new OidcProvider({
    config,
    secret,
    authorities: authorities === undefined ? undefined : readAuthorities(authorities, "web.oidc.ca_file"),
    redirectUrl: `${url}${CALLBACK_PATH}`,
    wall,
  });
}

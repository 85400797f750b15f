/** The enrolment itself: this agent's key becomes the site's at the hub. */
import { systemClock } from "../../common/clock.ts";
import { ensureDirectory } from "../../common/files.ts";
import type { EnrolmentToken } from "../../common/handshake/index.ts";
import { silentLog } from "../../common/log.ts";
import { KeyPair } from "../../common/noise/index.ts";
import { systemRandom } from "../../common/random.ts";
import type { AgentConfig } from "../config.ts";
import { type Place, placeFor, refuseUnknown } from "../enrolment/index.ts";
import { type RouteTo, viewOf } from "../route/index.ts";
import { readPending, removePending, writeEnrolled, writePending, writeTokenId } from "../state.ts";
import { type Accepted, enrol, fetchCertificate, withAdvice } from "../tunnel/index.ts";
import { idOf } from "./enroll-token.ts";
import { wayOut } from "./way-out.ts";

export interface Joining {
  stateDir: string;
  config: AgentConfig;
  routeTo: RouteTo;
  /** The enrolment's name, if one was asked for. */
  name: string | undefined;
  /** Whether an enrolment may be given up for it. */
  force: boolean;
}

/** Enrols at the hub, and keeps it in the state directory. Throws whatever keeps it from the hub, with advice. */
export async function join(token: EnrolmentToken, joining: Joining): Promise<Place> {
  const { stateDir, config, routeTo, name, force } = joining;
  const [clock, random] = [systemClock, systemRandom];
  refuseUnknown(stateDir, force);
  const timeout = config.limits.handshake_seconds * 1000;
  const out = (certificate?: string) => wayOut({ config, routeTo, certificate, log: silentLog });
  const certificate =
    token.certificate &&
    (await fetchCertificate(token.url, token.certificate, { open: out().open, clock, timeout }));
  const tokenId = idOf(token);
  const identity = readPending(stateDir, tokenId) ?? KeyPair.identity(random);
  const hubKey = Buffer.from(token.hubKey);
  const siteOf = ({ tenant, site }: Accepted) => ({ tenant, site, hubKey: hubKey.toString("base64") });
  const wishes = { name, force, named: Object.keys(config.sites) };
  // both before the hub uses the token up: what would go wrong must not cost it
  const keep = (accepted: Accepted) => {
    placeFor(stateDir, siteOf(accepted), wishes);
    writePending(stateDir, { token: tokenId, identity });
  };
  const accepted = await out(certificate)
    .carriers.open({ url: token.url, timeout }, (carrier) =>
      enrol(carrier, token, keep, { identity, hubKey, clock, random, timeout }),
    )
    .catch((error: unknown) => {
      throw withAdvice(error);
    });
  const place = placeFor(stateDir, siteOf(accepted), wishes);
  ensureDirectory(place.folder, 0o700);
  writeEnrolled(place.folder, {
    identity,
    url: token.url,
    ...(certificate && { certificate }),
    ...siteOf(accepted),
  });
  writeTokenId(place.folder, tokenId);
  removePending(stateDir);
  return place;
}

/** Where the proxy came from, if a service will not find it there: `HTTPS_PROXY` of a shell. */
export function foreignProxy(routeTo: RouteTo, url: string): { proxy: string; from: string } | undefined {
  const route = viewOf(routeTo(url));
  return route.kind === "proxy" && route.from !== "agent.toml" ? route : undefined;
}

/** What `enroll` and `run` need to get out: to open connections, on the route that is chosen, and dial over them. */
import { systemClock } from "../../common/clock.ts";
import { systemRandom } from "../../common/random.ts";
import { type Open, opener, type RouteTo } from "../route/index.ts";
import {
  type DialCarrier,
  type Reach,
  readAuthorities,
  stagedReach,
  webSocketDialer,
} from "../tunnel/index.ts";

export interface WayOutOptions {
  routeTo: RouteTo;
  /** The configuration's own authorities. */
  caFile: string | undefined;
  /** The only certificate (PEM) that is trusted for the hub, where no authority vouches for it. */
  certificate: string | undefined;
}

export interface WayOut {
  /** Opens connections below TLS. */
  open: Open;
  /** Opens connections over which HTTP can be spoken. */
  reach: Reach;
  dial: DialCarrier;
}

/** Throws E_CONFIG when the authorities cannot be read. */
export function wayOut({ routeTo, caFile, certificate }: WayOutOptions): WayOut {
  const clock = systemClock;
  const authorities = readAuthorities(caFile);
  const open = opener({ routeTo, random: systemRandom, ca: authorities });
  const ca = certificate === undefined ? authorities : [certificate];
  const reach = stagedReach({ ca, clock, open });
  const native = (url: string) => routeTo(url).kind === "direct";
  return { open, reach, dial: webSocketDialer({ ca, clock, reach, native }) };
}

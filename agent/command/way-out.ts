/** What `enroll` and `run` need to get out: to open connections, on the route that is chosen, and carriers over them. */
import { systemClock } from "../../common/clock.ts";
import type { Log } from "../../common/log.ts";
import { systemRandom } from "../../common/random.ts";
import type { AgentConfig } from "../config.ts";
import { type Open, opener, type RouteTo } from "../route/index.ts";
import { type Carriers, carriersOf, readAuthorities, stagedReach } from "../tunnel/index.ts";

export interface WayOutOptions {
  config: AgentConfig;
  routeTo: RouteTo;
  /** The only certificate (PEM) that is trusted for the hub, where no authority vouches for it. */
  certificate: string | undefined;
  log: Log;
}

export interface WayOut {
  /** Opens connections below TLS. */
  open: Open;
  carriers: Carriers;
}

/** Throws E_CONFIG when the authorities cannot be read. */
export function wayOut({ config, routeTo, certificate, log }: WayOutOptions): WayOut {
  const [clock, random] = [systemClock, systemRandom];
  const authorities = readAuthorities(config.ca_file);
  const open = opener({ routeTo, random, ca: authorities });
  const ca = certificate === undefined ? authorities : [certificate];
  const reach = stagedReach({ ca, clock, open });
  const native = (url: string) => routeTo(url).kind === "direct";
  return { open, carriers: carriersOf(config.carrier, { ca, reach, native, clock, random, log }) };
}

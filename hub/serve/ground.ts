/** What every part of a running hub stands on. */
import type { Clock } from "../../common/clock.ts";
import type { Places } from "../../common/command/index.ts";
import type { Log } from "../../common/log.ts";
import type { Random } from "../../common/random.ts";
import type { HubConfig } from "../config/index.ts";

export const DAY = 86_400_000;

export interface Ground {
  places: Places;
  /** As it was at the start. */
  config: HubConfig;
  /** What counts now: a reload may have changed it. */
  current: () => HubConfig;
  clock: Clock;
  random: Random;
  log: Log;
}

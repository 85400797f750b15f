/** From where on the figures of a site are WARN and CRIT, the same at both ends of its tunnel; options of a command. */
import type { Command } from "commander";
import { type Levels, parseLevels } from "./levels.ts";

export interface SiteLevels {
  /** Seconds to the other side and back. */
  rtt: Levels;
  /** Seconds that it is not connected. */
  away: Levels;
  /** Seconds since what waits longest to be sent, or for a sink, came to be; by the agent's clock. */
  age: Levels;
  /** Things that wait. */
  depth: Levels;
}

export const SITE_LEVELS: SiteLevels = {
  rtt: { warn: 0.5, crit: 2 },
  // a carrier that is replaced, or a hub that is restarted, is back sooner than CRIT
  away: { warn: 0, crit: 60 },
  age: { warn: 300, crit: 3_600 },
  depth: { warn: 1_000, crit: 10_000 },
};

/** As commander reads them. */
export type LevelOptions = { [figure in keyof SiteLevels]?: string };

/** Adds an option for each figure. @param figures what each is at this side */
export function withLevels(command: Command, figures: Record<keyof SiteLevels, string>): Command {
  for (const figure of ["rtt", "away", "age", "depth"] as const) {
    const { warn, crit } = SITE_LEVELS[figure];
    command.option(`--${figure} <warn,crit>`, `${figures[figure]} (default: ${warn},${crit})`);
  }
  return command;
}

/** Throws E_USAGE. */
export function siteLevels(options: LevelOptions): SiteLevels {
  const of = (figure: keyof SiteLevels): Levels => {
    const text = options[figure];
    return text === undefined ? SITE_LEVELS[figure] : parseLevels(`--${figure}`, text);
  };
  return { rtt: of("rtt"), away: of("away"), age: of("age"), depth: of("depth") };
}

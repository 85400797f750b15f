/** What pages use of a Reach. What a hub may be without is missing then, and so is what shows it. */
import type { Reach } from "../../../access/index.ts";
import type { Connect, SiteSeries } from "../../../history/index.ts";
import type {
  CommandResult,
  ProblemCommand,
  ProblemFilter,
  ProblemPage,
  Target,
} from "../../../problems/index.ts";
import type { FeedReach } from "../../events/index.ts";

export interface SitePast {
  /** The last day. */
  series: SiteSeries | undefined;
  /** The newest first. */
  connects: readonly Connect[];
}

export type PageReach = Reach &
  FeedReach & {
    problems?(filter: ProblemFilter): Promise<ProblemPage>;
    command?(target: Target, command: ProblemCommand): Promise<CommandResult>;
    history?(tenant: string, site: string): Promise<SitePast>;
  };

/** What events need of a Reach. */
import type { Reach } from "../../access/index.ts";

/** To know how sites are. */
export type FeedReach = Pick<Reach, "principal" | "has" | "sites" | "site" | "sparks">;
/** And to be told when they change. */
export type EventReach = FeedReach & Pick<Reach, "watch" | "problems" | "watchProblems">;

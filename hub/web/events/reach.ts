/** What events need of a Reach. */
import type { Reach } from "../../access/index.ts";
import type { SiteSpark } from "../../history/index.ts";
import type { ProblemChanges } from "../../problems/index.ts";

/** What is missing a hub is without. */
export type FeedReach = Pick<Reach, "principal" | "has" | "sites" | "site"> & {
  /** What was of late, by `TENANT/SITE`. */
  sparks?(): Promise<ReadonlyMap<string, SiteSpark>>;
};

export type EventReach = FeedReach &
  Pick<Reach, "watch"> & {
    /** Calls `listener` for changes of problems that are seen; returns what ends it. Throws E_LIMIT. */
    watchProblems?(listener: (changes: ProblemChanges) => void): () => void;
  };

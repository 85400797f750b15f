/** What can be done about a problem, and what came of it. */

import { z } from "zod";
import { isLine } from "./names.ts";

/** UTF-16 units of a comment. */
export const LONGEST_COMMENT = 1_000;
/** Seconds since the epoch that every core can write: ten digits. */
const LAST_SECOND = 9_999_999_999;

const comment = z.string().max(LONGEST_COMMENT).refine(isLine, "one line of text");
const second = z.int().min(1_000_000_000).max(LAST_SECOND);

/** As a request says it. */
export const problemCommand = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("acknowledge"),
    comment,
    /** Until it is OK again; else until the state changes. */
    sticky: z.boolean().default(true),
    /** Tells the contacts. */
    notify: z.boolean().default(true),
    /** The comment stays when the acknowledgement goes. */
    persistent: z.boolean().default(false),
  }),
  z.strictObject({ kind: z.literal("unacknowledge") }),
  z.strictObject({
    kind: z.literal("downtime"),
    comment,
    /** Seconds since the epoch. */
    from: second,
    to: second,
    /** Of a host: with all of its services. */
    services: z.boolean().default(false),
  }),
  /** All downtimes of the host or service itself, or one of them. */
  z.strictObject({ kind: z.literal("remove-downtime"), id: z.int().min(1).optional() }),
  /** Checks it now. */
  z.strictObject({ kind: z.literal("recheck") }),
]);
export type ProblemCommand = z.output<typeof problemCommand>;

export type CommandResult =
  /** The core shows its effect. */
  | { outcome: "done" }
  /** It is on its way, and may yet take effect; the core does not show it within the time. Never sent again. */
  | { outcome: "sent"; reason: string }
  /** It was not sent, or the agent did not let it in. */
  | { outcome: "refused"; reason: string };

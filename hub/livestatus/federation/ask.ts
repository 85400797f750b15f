/** The seam to the sites: a question to one of them, and its answer as it comes. */

import type { AnswerEvents, Question } from "../index.ts";
import type { Peer } from "./peer.ts";

/** A question under way. */
export interface Answering {
  /** Begins; events may come before this returns. */
  start(): void;
  /** Bytes of the answer are out of the way. */
  consumed(bytes: number): void;
  /** Gives it up; nothing is told any more. */
  cancel(): void;
}

export type Ask = (peer: Peer, question: Question, events: AnswerEvents) => Answering;

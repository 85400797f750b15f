/** Where letters of a lane end. */
import type { Letter, Sender } from "../letter/index.ts";

/** A letter that a sink will never take. */
export interface Rejected {
  letter: Letter;
  reason: string;
}

/** What a sink has of a site, where it keeps that. */
export interface Holds {
  files: number;
  bytes: number;
  /** When the site last told that everything is there; ISO 8601, by this hub's clock. */
  complete: string | undefined;
}

export interface Sink {
  readonly name: string;
  readonly kind: string;
  /**
   * What can tell whether it has a letter already gets each exactly once, and the agent is told that a letter is there
   * only when it is. Others get it at least once, from the hub's own disk, and hold no agent up.
   */
  readonly exact: ExactSteps | undefined;
  /** Letters that it takes at a time. */
  readonly batch: number;
  readonly holds?: Holds | undefined;
  /**
   * Lands letters in order; the resolved value names those that it will never take. Throws when it cannot now: then it is
   * asked again. Not used where there are exact steps.
   */
  land(letters: readonly Letter[]): Promise<Rejected[]>;
  /** What it cannot do for a site, though it takes its letters, for people. */
  note?(sender: Sender): string | undefined;
  /** Removes what it keeps of letters, by their names, that have not landed and never will: their site is gone. */
  withdraw?(ids: readonly string[]): Promise<void>;
}

/** Landing in two steps, between which the hub notes what it is about to do. */
export interface ExactSteps {
  /** Where it lands; noted with the intent, since a configuration may change between the steps. */
  readonly place: string;
  /** Makes letters durable where one step remains. May be repeated. */
  stage(letters: readonly Letter[]): Promise<void>;
  /** Takes that step, for those for which it was not taken yet, and makes it durable. */
  settle(letters: readonly Letter[], place: string): Promise<Answers | undefined>;
}

/** What the agent is told of letters that ask something, by their sequence numbers. */
export type Answers = ReadonlyMap<number, Uint8Array>;

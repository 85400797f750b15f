/** What a session is given, and what it asks of who is above it. */

import type { Clock } from "../clock.ts";
import type { FarsiteError } from "../errors.ts";
import type { Random } from "../random.ts";
import type { Link } from "./link.ts";

export interface SessionOptions {
  clock: Clock;
  random: Random;
  limits?: Partial<SessionLimits>;
  /** Runs a function soon, after what is happening now: batches what one turn of the event loop produced. */
  defer: (run: () => void) => void;
}

export interface SessionLimits {
  /** Most bytes kept for replay; nothing more is sent while they wait for acknowledgement. */
  replayBytes: number;
  /** Most bytes handed to a carrier that has not sent them yet: what stands in front of the next record. */
  unsentBytes: number;
  /**
   * Received bytes after which an acknowledgement goes out in the same turn. No more than the least window of the
   * other side: if it waited for the delay of acknowledgements, that would be all that it sees of the line. More
   * than an answer of 16 KiB, which then costs none.
   */
  ackBytes: number;
  /** Longest wait of an acknowledgement, in ms. */
  ackDelay: number;
  /** A carrier on which nothing came for so long, in ms, although asked, is given up. */
  deadAfter: number;
  /** How long a session waits for its next carrier, in ms. */
  grace: number;
}

export const SESSION_LIMITS: SessionLimits = {
  replayBytes: 8 << 20,
  unsentBytes: 1 << 20,
  ackBytes: 20 << 10,
  ackDelay: 5,
  deadAfter: 10_000,
  grace: 60_000,
};

export interface SessionHandlers {
  /**
   * The next FRAMES record to send, with room for its header, or undefined when nothing is to be sent.
   * @param lowest what is less urgent than this (0 control, 1 interactive, 2 bulk) must wait
   * @param most bytes the record should hold at most
   */
  pull(lowest: 0 | 1 | 2, most: number): Buffer | undefined;
  /** Whether somebody waits for answers beside bulk: then bulk must not make them wait. */
  shared?(): boolean;
  /** A record that `pull` gave has arrived and is not needed any more. */
  acknowledged(record: Buffer): void;
  /** A FRAMES record, each once and in order. Throws when it breaks the protocol. */
  frames(record: Buffer): void;
  /** The carrier went away or came (back). */
  carrier(link: Link | undefined, reason?: FarsiteError): void;
  /** The other side asks to leave this carrier: now for another one, or when it is gone for `ms`. */
  goAway(ms: number): void;
  /** The session is over, once. */
  end(reason: FarsiteError): void;
}

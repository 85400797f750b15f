/**
 * How much may be under way on a carrier. A connection takes far more than its line carries and lets it queue;
 * what is sent behind that queue is late. So the window follows what the other side is seen to acknowledge:
 * it grows while acknowledgements come as fast as on the empty line, and shrinks to what fits when they show
 * that a queue stands. (In the manner of TCP Vegas and LEDBAT, RFC 6817, over the session's records.)
 *
 * It judges by the fastest acknowledgement of a round trip: bursts, acknowledgements held back and busy hosts
 * make some of them late, a queue that stands makes all of them late.
 */

export interface WindowLimits {
  /** Least bytes under way, however thin the line. */
  least: number;
  /** Most bytes under way. */
  most: number;
  /** Delay in ms that the queue may add to the line's own. */
  target: number;
  /** Least of that delay, in ms, while others wait for answers: then it is a part of the line's own. */
  sharedTarget: number;
}

export const WINDOW_LIMITS: WindowLimits = { least: 20 << 10, most: 16 << 20, target: 10, sharedTarget: 1 };

/** Bytes under way at the start: 10 Mbit/s carry them in 52 ms. A few round trips find the rest. */
const FIRST = 64 << 10;
/** Most of what is acknowledged that the window grows by: twice as much with each round trip. */
const MOST_PACE = 1;
/** How much faster it grows after each round trip without a queue. */
const PACE_STEP = 2;
/** Least part of the window that one round trip leaves of it: a line that stands still for a moment is no queue. */
const LEAST_FIT = 0.5;
/** Part of the line's own delay that a queue may add while others wait for answers. */
const SHARED_PART = 0.1;
/**
 * How often the time between two acknowledgements is in what they measure without any queue: what one lets go is
 * sent at once and takes the line that long, and the other side then waits about as long for more to acknowledge.
 */
const RHYTHM = 2;
/** Bytes in a full buffer that make it one for such a line. Smaller ones still grow as they are used. */
const LEAST_FULL = 1 << 20;
/** Part of what the connection was seen to take that is sent after that: just below, it takes all at once. */
const BELOW_FULL = 0.985;
/** Round trips until more is tried. */
const FULL_ROUNDS = 20;
/** ms of a round trip within one machine, at most. */
const WITHIN = 0.5;
/** ms of a round trip on a short line, at most. */
const SHORT = 5;
/** Bytes: 20 ms of 100 Mbit/s. */
const LEAST_INTERACTIVE = 256 << 10;
/** ms of the line's time that one record may take, so that an urgent one never waits long for it. */
const RECORD_TIME = 4;
const LEAST_RECORD = 4 << 10;
/** Bytes of a record while nothing is known: its own time on the line is not taken for the line's delay. */
const FIRST_RECORD = 16 << 10;

export class SendWindow {
  #limit = FIRST;
  #leastRtt = Number.POSITIVE_INFINITY;
  #rtt = 0;
  #pace = MOST_PACE;
  /** Of the present round trip. */
  #fastest = Number.POSITIVE_INFINITY;
  #slowest = 0;
  #acknowledgements = 0;
  #roundBegan = Number.NEGATIVE_INFINITY;
  #roundEnds = Number.NEGATIVE_INFINITY;
  #growsAgain = Number.NEGATIVE_INFINITY;
  /** Bytes that a new carrier had to take at once and that are not acknowledged yet. */
  #again = 0;

  constructor(private readonly limits: WindowLimits = WINDOW_LIMITS) {}

  /** Bytes that may be under way. */
  get limit(): number {
    return this.#limit;
  }

  /**
   * Bytes that may be under way of bulk. Within a machine the line is no limit, and what takes the time is the work
   * on each record at both ends: while others wait for answers bulk then goes record by record.
   */
  bulk(shared: boolean): number {
    return shared && this.#leastRtt < WITHIN ? Math.min(this.limits.least, this.#limit) : this.#limit;
  }

  /**
   * Bytes that may be under way with what somebody waits for: as many again, so that it waits neither for bulk nor for
   * what a new carrier had to take at once. On a short line never so few that many who ask at once would wait for
   * each other's acknowledgements.
   */
  get interactive(): number {
    const most = Math.max(this.#limit, this.#again) + this.#limit;
    return Math.max(most, this.#leastRtt < SHORT ? LEAST_INTERACTIVE : 0);
  }

  /** Round-trip time of the line when it is empty, in ms; undefined before the first acknowledgement. */
  get leastRtt(): number | undefined {
    return Number.isFinite(this.#leastRtt) ? this.#leastRtt : undefined;
  }

  /**
   * A new carrier may take another way: what was learned of the delay no longer holds. It begins with half of
   * what the old one had, so that the queue runs empty and the line's own delay is seen.
   * @param again bytes that are sent again
   */
  restart(again: number): void {
    this.#again = again;
    if (this.leastRtt === undefined) return;
    this.#limit = Math.max(this.limits.least, this.#limit / 2);
    this.#leastRtt = Number.POSITIVE_INFINITY;
    this.#fastest = Number.POSITIVE_INFINITY;
    this.#slowest = 0;
    this.#acknowledgements = 0;
    this.#roundEnds = Number.NEGATIVE_INFINITY;
    this.#growsAgain = Number.NEGATIVE_INFINITY;
  }

  /**
   * The connection's buffer is full: it has taken so many bytes of those under way, and asks for more only once a
   * third of it is empty. Where the line needs all of it that is a third of the line's time, so less is sent.
   */
  full(taken: number, now: number): void {
    if (taken < LEAST_FULL) return;
    this.#limit = Math.min(this.#limit, taken * BELOW_FULL);
    this.#growsAgain = now + FULL_ROUNDS * this.#rtt;
  }

  /**
   * @param bytes what is acknowledged now
   * @param rtt ms since the newest of it was sent
   * @param underWay bytes under way before this acknowledgement
   * @param now ms
   * @param shared whether others wait for answers on the same line
   */
  acknowledged(bytes: number, rtt: number, underWay: number, now: number, shared = false): void {
    this.#rtt = rtt;
    this.#leastRtt = Math.min(this.#leastRtt, rtt);
    this.#fastest = Math.min(this.#fastest, rtt);
    this.#slowest = Math.max(this.#slowest, rtt);
    this.#acknowledgements++;
    if (now >= this.#roundEnds) this.#endRound(underWay, now, shared);
    const counting = Math.max(0, bytes - this.#again);
    this.#again = Math.max(0, this.#again - bytes);
    // only a window that is used is known to fit
    if (underWay * 2 >= this.#limit && now >= this.#growsAgain) {
      this.#limit = Math.min(this.limits.most, this.#limit + counting * this.#pace);
    }
  }

  #endRound(underWay: number, now: number, shared: boolean): void {
    const { least } = this.limits;
    const target = this.#target(shared);
    const gap = (now - this.#roundBegan) / this.#acknowledgements;
    const rhythm = Math.min(RHYTHM * gap, target);
    const queue = this.#fastest - this.#leastRtt - rhythm;
    // adds a quarter of the target to the queue with each round trip, once the line is full
    const gentle = Math.min(MOST_PACE, target / 4 / this.#fastest);
    if (queue < target / 2) {
      // bursts that take the line half a round trip fill it soon
      const burst = (this.#slowest - this.#leastRtt) / Math.max(1, this.#leastRtt);
      this.#pace = Math.max(gentle, Math.min(this.#pace * PACE_STEP, MOST_PACE * (1 - 2 * burst)));
    } else {
      this.#pace = gentle * Math.max(0, 1 - queue / target);
    }
    this.#roundEnds = now + this.#fastest;
    // what was learned of a short line is soon learned again
    if (queue > target && this.#leastRtt < SHORT)
      this.#limit = Math.min(this.#limit, Math.max(FIRST, 2 * underWay));
    // a window that is not used did not make the queue
    if (queue > target && underWay * 2 >= this.#limit) {
      // what is late with so little under way is not late because of it: the way has become longer
      if (this.#limit === least) this.#leastRtt = this.#fastest;
      const fits = Math.max(LEAST_FIT, (this.#leastRtt + rhythm + target / 2) / this.#fastest);
      this.#limit = Math.max(least, Math.min(this.#limit, underWay) * fits);
      // what was sent before tells of the same queue
      this.#roundEnds += this.#fastest;
    }
    this.#fastest = Number.POSITIVE_INFINITY;
    this.#slowest = 0;
    this.#acknowledgements = 0;
    this.#roundBegan = now;
  }

  #target(shared: boolean): number {
    const { target, sharedTarget } = this.limits;
    return shared ? Math.min(target, Math.max(sharedTarget, this.#leastRtt * SHARED_PART)) : target;
  }

  /** Bytes that one record should hold at most: a few ms of what the line is seen to carry. */
  record(most: number): number {
    if (this.leastRtt === undefined) return Math.min(most, FIRST_RECORD);
    if (this.#rtt <= RECORD_TIME) return most;
    return Math.max(LEAST_RECORD, Math.min(most, Math.floor((this.#limit / this.#rtt) * RECORD_TIME)));
  }
}

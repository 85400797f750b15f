/**
 * A session is the numbered conversation between one agent and the hub. It outlives its carriers: what was
 * sent is kept until the other side acknowledges it, and is sent again on the next carrier. Whoever is above
 * sees frames in order, each once.
 */
import type { Clock, Timer } from "../clock.ts";
import { Deque } from "../deque.ts";
import { FarsiteError, reasonOf } from "../errors.ts";
import { onceATurn } from "../once-a-turn.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { Link } from "./link.ts";
import { SESSION_LIMITS, type SessionHandlers, type SessionLimits, type SessionOptions } from "./options.ts";
import * as wire from "./record.ts";
import { SendWindow } from "./window.ts";

export class Session {
  readonly #clock: Clock;
  readonly #defer: (run: () => void) => void;
  readonly #limits: SessionLimits;
  #handlers: SessionHandlers | undefined;

  #link: Link | undefined;
  /** FRAMES records received; the number of the next one expected. */
  #received = 0;
  /** The number of the next FRAMES record on the current link, which may be one we have already. */
  #linkNext = 0;
  /** FRAMES records sent, of which those from `#forgotten` on are kept. */
  #sent = 0;
  #forgotten = 0;
  /** FRAMES records that the other side says it has. */
  #acknowledged = 0;
  /** The number of the next FRAMES record to go out on the current link: below `#sent` while replaying. */
  #linkSent = 0;
  readonly #kept = new Deque<Buffer>();
  /** When each of them was last sent. */
  readonly #sentAt = new Deque<number>();
  #keptBytes = 0;
  readonly #window = new SendWindow();

  #unackedBytes = 0;
  #ackTimer: Timer | undefined;
  /** After this turn of the event loop: one for all records that one read of the carrier brought. */
  readonly #ackSoon: () => void;
  #pumpDue = false;
  /** Whether the carrier's buffer was full at the last look. */
  #full = false;
  /** Whether the last pump left something that only an acknowledgement lets go. */
  #held = false;
  #graceTimer: Timer | undefined;
  readonly #heartbeat: Heartbeat;
  #ended: FarsiteError | undefined;

  constructor(
    readonly id: Uint8Array,
    options: SessionOptions,
  ) {
    this.#clock = options.clock;
    this.#defer = options.defer;
    this.#ackSoon = onceATurn(() => {
      if (this.#unackedBytes > 0) this.#sendAck();
    }, options.defer);
    this.#limits = { ...SESSION_LIMITS, ...options.limits };
    const { deadAfter } = this.#limits;
    this.#heartbeat = new Heartbeat({
      clock: options.clock,
      random: options.random,
      deadAfter,
      ping: (id) => this.#link?.send(wire.encodePing(wire.PING, id)),
      silent: () =>
        this.dropCarrier(new FarsiteError("E_CARRIER_LOST", `nothing heard for ${deadAfter / 1000} s`)),
    });
  }

  /** Must be called before the first `adopt`. */
  attach(handlers: SessionHandlers): void {
    this.#handlers = handlers;
  }

  /** FRAMES records received so far: what the other side need not send again. */
  get received(): number {
    return this.#received;
  }

  /** Last measured round-trip time in ms; until a heartbeat was answered, that of the first acknowledgements. */
  get rtt(): number | undefined {
    return this.#heartbeat.rtt ?? this.#window.leastRtt;
  }

  get link(): Link | undefined {
    return this.#link;
  }

  get ended(): FarsiteError | undefined {
    return this.#ended;
  }

  /**
   * The number of the first record to send to a peer that says it has `peerReceived` of them. Checks the claim,
   * so that it can be refused before the present carrier is given up. Throws E_PROTOCOL.
   */
  resumeAt(peerReceived: number): number {
    if (!within(peerReceived, 0, this.#sent)) {
      throw new FarsiteError("E_PROTOCOL", "the other side claims records that were never sent");
    }
    // an acknowledgement on the old carrier may have come after the claim was made
    return Math.max(peerReceived, this.#acknowledged);
  }

  /**
   * Goes on over `link`; a carrier that served until now is closed, so the newest always wins.
   * @param peerReceived how many of our FRAMES records the other side has
   * @param from the number of the first FRAMES record that the other side sends on this link
   */
  adopt(link: Link, peerReceived: number, from: number): void {
    if (this.#ended) throw this.#ended;
    if (!within(peerReceived, this.#acknowledged, this.#sent) || !within(from, 0, this.#received)) {
      throw new FarsiteError("E_PROTOCOL", "the other side claims records that were never sent or are gone");
    }
    const old = this.#link;
    this.#link = undefined;
    old?.fail(new FarsiteError("E_CARRIER_LOST", "replaced by a newer carrier"));
    this.#graceTimer?.cancel();
    this.#graceTimer = undefined;
    this.#acknowledged = peerReceived;
    this.#linkSent = peerReceived;
    this.#forget();
    this.#window.restart(this.#keptBytes);
    this.#link = link;
    this.#linkNext = from;
    this.#heartbeat.start();
    this.#handlers?.carrier(link);
    // records that came over the old carrier since `from` was said will come again, and count for nothing then
    if (this.#received > from) this.#sendAck();
    link.attach({
      record: (record) => {
        if (this.#link === link) this.#onRecord(link, record);
      },
      drain: () => {
        if (this.#link === link) this.#pump();
      },
      close: (reason) => {
        if (this.#link === link) this.#lose(reason);
      },
    });
    this.#pump();
  }

  /**
   * Says that `pull` has something to give; it is called soon, once.
   * @param when `turn`: after what else happens in this turn of the event loop, which may fill the same record;
   *   `now`: after what runs now, a quarter of the latency of a short exchange less; `next`: a turn later
   */
  wake(when: "now" | "turn" | "next" = "turn"): void {
    if (this.#pumpDue || !this.#link) return;
    if (when === "next") {
      this.#defer(() => this.wake());
      return;
    }
    this.#pumpDue = true;
    if (when === "now") queueMicrotask(this.#duePump);
    else this.#defer(this.#duePump);
  }

  readonly #duePump = (): void => {
    this.#pumpDue = false;
    this.#pump();
  };

  /** Asks the other side to leave the present carrier (see GOAWAY). */
  sendGoAway(ms: number): void {
    this.#link?.send(wire.encodeGoAway(ms));
  }

  /** Gives up the present carrier; the session waits for the next. */
  dropCarrier(reason: FarsiteError): void {
    this.#link?.fail(reason);
  }

  /** Ends the session for good and, where a carrier is there, tells the other side. */
  end(reason: FarsiteError): void {
    if (this.#ended) return;
    this.#link?.send(wire.encodeEnd(reason));
    this.#finish(reason);
  }

  #finish(reason: FarsiteError): void {
    if (this.#ended) return;
    this.#ended = reason;
    for (const timer of [this.#ackTimer, this.#graceTimer]) timer?.cancel();
    this.#heartbeat.stop();
    const link = this.#link;
    this.#link = undefined;
    this.#kept.clear();
    this.#sentAt.clear();
    this.#keptBytes = 0;
    link?.fail(reason);
    this.#handlers?.end(reason);
  }

  #lose(reason: FarsiteError): void {
    this.#link = undefined;
    this.#heartbeat.stop();
    this.#ackTimer?.cancel();
    this.#ackTimer = undefined;
    this.#graceTimer = this.#clock.after(this.#limits.grace, () => {
      this.#finish(
        new FarsiteError(
          "E_SESSION_LOST",
          `no new carrier within ${this.#limits.grace / 1000} s: ${reason.message}`,
        ),
      );
    });
    this.#handlers?.carrier(undefined, reason);
  }

  /** Sends what is to be replayed, then what is new, as far as the limits allow. */
  #pump(): void {
    for (;;) {
      const link = this.#link;
      this.#held = true;
      if (!link) return;
      const { unsent } = link;
      if (unsent > 0 && !this.#full && this.#linkSent === this.#sent) {
        this.#window.full(this.#keptBytes - unsent, this.#clock.now());
      }
      this.#full = unsent > 0;
      if (unsent >= this.#limits.unsentBytes) return;
      const record = this.#again() ?? this.#next();
      if (!record) {
        this.#held = this.#lowest() < 2 || this.#keptBytes >= this.#limits.replayBytes;
        return;
      }
      this.#linkSent++;
      wire.writeAck(record, this.#received);
      this.#unackedBytes = 0;
      link.send(record);
      this.#forget();
    }
  }

  /** The next record to be sent once more, on this carrier. */
  #again(): Buffer | undefined {
    const index = this.#linkSent - this.#forgotten;
    const record = this.#kept.at(index);
    if (record) this.#sentAt.set(index, this.#clock.now());
    return record;
  }

  #next(): Buffer | undefined {
    if (this.#keptBytes >= this.#limits.replayBytes) return undefined;
    const record = this.#handlers?.pull(this.#lowest(), this.#window.record(wire.MAX_RECORD));
    if (!record || this.#ended) return undefined;
    this.#sent++;
    this.#kept.push(record);
    this.#sentAt.push(this.#clock.now());
    this.#keptBytes += record.length;
    return record;
  }

  /** Bulk fills the window; what somebody waits for may go beyond it, so that it need not wait for bulk. */
  #lowest(): 0 | 1 | 2 {
    const bulk = this.#window.bulk(this.#handlers?.shared?.() ?? false);
    return this.#keptBytes < bulk ? 2 : this.#keptBytes < this.#window.interactive ? 1 : 0;
  }

  #onRecord(link: Link, record: Buffer): void {
    this.#heartbeat.heard();
    try {
      switch (record[0]) {
        case wire.FRAMES:
          this.#onFrames(record);
          break;
        case wire.ACK:
          if (this.#onAck(wire.readAck(record)) && this.#held) this.#pump();
          break;
        case wire.PING:
          this.#onPing(link, wire.decodePing(record));
          break;
        case wire.PONG:
          this.#heartbeat.answered(wire.decodePing(record));
          break;
        case wire.GOAWAY:
          this.#handlers?.goAway(wire.decodeGoAway(record));
          break;
        case wire.END:
          this.#finish(wire.decodeEnd(record));
          break;
        default:
          throw wire.malformed(`unknown kind ${record[0]}`);
      }
    } catch (error) {
      // after a fault, too: what is left of the record is lost, and streams must not go on with a gap
      this.end(error instanceof FarsiteError ? error : new FarsiteError("E_INTERNAL", reasonOf(error)));
    }
  }

  #onFrames(record: Buffer): void {
    if (this.#onAck(wire.readAck(record)) && this.#held) this.wake();
    // resent on a newer carrier, although it had come over the older one
    if (this.#linkNext++ < this.#received) return;
    this.#received++;
    this.#unackedBytes += record.length;
    this.#handlers?.frames(record);
    if (!this.#link) return;
    if (this.#unackedBytes >= this.#limits.ackBytes) this.#ackSoon();
    else if (!this.#ackTimer) this.#armAck();
  }

  /** Left running when a FRAMES record carries the acknowledgement: cheaper than a timer for each. */
  #armAck(): void {
    this.#ackTimer = this.#clock.after(this.#limits.ackDelay, () => {
      this.#ackTimer = undefined;
      if (this.#unackedBytes > 0) this.#sendAck();
    });
  }

  #sendAck(): void {
    this.#unackedBytes = 0;
    this.#link?.send(wire.encodeAck(this.#received));
  }

  /** Says whether it acknowledges anything new. */
  #onAck(count: number): boolean {
    if (count > this.#sent) throw wire.malformed("ACK of records that were not sent");
    if (count < this.#acknowledged) throw wire.malformed("ACK of fewer records than before");
    if (count === this.#acknowledged) return false;
    const underWay = this.#keptBytes;
    const sentAt = count > this.#linkSent ? undefined : this.#sentAt.at(count - 1 - this.#forgotten);
    this.#acknowledged = count;
    this.#forget();
    if (sentAt === undefined) return true;
    const now = this.#clock.now();
    this.#window.acknowledged(
      underWay - this.#keptBytes,
      now - sentAt,
      underWay,
      now,
      this.#handlers?.shared?.(),
    );
    return true;
  }

  /** An ACK may be ahead of a replay; a record whose turn on the link is still to come must wait for it. */
  #forget(): void {
    while (this.#forgotten < Math.min(this.#acknowledged, this.#linkSent)) {
      this.#forgotten++;
      const record = this.#kept.shift();
      this.#sentAt.shift();
      if (!record) return;
      this.#keptBytes -= record.length;
      this.#handlers?.acknowledged(record);
    }
  }

  /** Whoever asks without taking the answers gets no more of them. */
  #onPing(link: Link, id: number): void {
    if (link.unsent < this.#limits.unsentBytes) link.send(wire.encodePing(wire.PONG, id));
  }
}

/** Whether `count` is a whole number from `least` to `most`. */
function within(count: number, least: number, most: number): boolean {
  return Number.isSafeInteger(count) && count >= least && count <= most;
}

/** A line with a rate, a delay and a buffer without end, and a session's two ends on it: sender's window, acks. */
import { Deque } from "../../../common/deque.ts";
import { SendWindow } from "../../../common/session/window.ts";

export interface LineModelOptions {
  /** Bytes per ms. */
  rate: number;
  /** ms there and back, when the line is empty. */
  rtt: number;
  /** Bytes after which the receiver acknowledges at once, and ms after which it does in any case. */
  ackBytes: number;
  ackDelay: number;
  /** Most bytes of a record. */
  most: number;
  /** Somebody else waits for answers on the same line. */
  shared?: boolean;
}

/** What was seen during one run. */
export interface Seen {
  /** Part of the line's rate that was used. */
  use: number;
  /** Longest that a byte waited for its turn, in ms, and the mean over the records. */
  queue: number;
  meanQueue: number;
}

interface Sent {
  bytes: number;
  at: number;
  arrives: number;
}

/** Bulk without end over the line; `run` lets time pass. */
export class LineModel {
  readonly window = new SendWindow();
  now = 1000;
  #freeAt = 0;
  #underWay = 0;
  readonly #sent = new Deque<Sent>();
  /** Acknowledgements on their way back: when they come, and how many records they are for. */
  readonly #acks = new Deque<{ comes: number; records: number }>();
  #unacked = 0;
  #unackedBytes = 0;
  #timer = Number.POSITIVE_INFINITY;
  #arrived = 0;
  /** Nothing passes until then. */
  #blockedUntil = 0;

  constructor(readonly options: LineModelOptions) {}

  /** Nothing passes for so long: a radio link that fades, a kernel that probes its round-trip time. */
  block(ms: number): void {
    this.#blockedUntil = this.now + ms;
    this.#freeAt = Math.max(this.#freeAt, this.#blockedUntil);
  }

  run(ms: number): Seen {
    const end = this.now + ms;
    let bytes = 0;
    let [queue, total, records] = [0, 0, 0];
    this.#fill((waited) => {
      queue = Math.max(queue, waited);
    });
    while (this.now < end) {
      const arrival = this.#sent.at(this.#arrived)?.arrives ?? Number.POSITIVE_INFINITY;
      const ack = this.#acks.at(0)?.comes ?? Number.POSITIVE_INFINITY;
      this.now = Math.min(arrival, ack, this.#timer, end);
      if (this.now === arrival) {
        const record = this.#sent.at(this.#arrived) as Sent;
        this.#arrived++;
        this.#unacked++;
        this.#unackedBytes += record.bytes;
        bytes += record.bytes;
        if (this.#unackedBytes >= this.options.ackBytes) this.#acknowledge();
        else this.#timer = Math.min(this.#timer, this.now + this.options.ackDelay);
      } else if (this.now === this.#timer) {
        this.#acknowledge();
      } else if (this.now === ack) {
        this.#onAck();
        this.#fill((waited) => {
          queue = Math.max(queue, waited);
          total += waited;
          records++;
        });
      }
    }
    return { use: bytes / ms / this.options.rate, queue, meanQueue: records ? total / records : 0 };
  }

  #fill(waits: (ms: number) => void): void {
    while (this.#underWay < this.window.limit) {
      const bytes = this.window.record(this.options.most);
      const starts = Math.max(this.now, this.#freeAt);
      waits(starts - this.now);
      this.#freeAt = starts + bytes / this.options.rate;
      this.#sent.push({ bytes, at: this.now, arrives: this.#freeAt + this.options.rtt / 2 });
      this.#underWay += bytes;
    }
  }

  #acknowledge(): void {
    this.#timer = Number.POSITIVE_INFINITY;
    this.#acks.push({ comes: this.now + this.options.rtt / 2, records: this.#unacked });
    this.#unacked = 0;
    this.#unackedBytes = 0;
  }

  #onAck(): void {
    const ack = this.#acks.shift();
    let bytes = 0;
    let last = 0;
    for (let i = 0; i < (ack?.records ?? 0); i++) {
      const record = this.#sent.shift() as Sent;
      this.#arrived--;
      bytes += record.bytes;
      last = record.at;
    }
    const before = this.#underWay;
    this.#underWay -= bytes;
    this.window.acknowledged(bytes, this.now - last, before, this.now, this.options.shared);
  }
}

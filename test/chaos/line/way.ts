/** One direction of a relayed connection: what comes in at one socket goes out at the other, as the line lets it. */
import type { Socket } from "node:net";

/** What the line is like now, for all connections. */
export interface Conditions {
  /** ms that everything takes in each direction. */
  delay: number;
  /** Bytes a second in each direction of a connection; undefined: as fast as it goes. */
  rate: number | undefined;
  /** Nothing is carried until it ends. */
  outage: boolean;
}

/** Bytes that may be on the line; then the sender has to wait. */
const CAPACITY = 1 << 20;
/** With a rate, what arrives at once: so many bytes. */
const PIECE = 4 << 10;

type Item = { due: number; what: Buffer | "end" | "reset" };

export class Way {
  readonly #queue: Item[] = [];
  #bytes = 0;
  #busyUntil = 0;
  #lastDue = 0;
  #timer: NodeJS.Timeout | undefined;
  #full = false;
  #corrupt: (() => void) | undefined;
  /** Carries nothing more, for ever. */
  #hole = false;

  constructor(
    private readonly from: Socket,
    private readonly to: Socket,
    private readonly conditions: Conditions,
    private readonly carried: (bytes: number) => void,
  ) {
    from.on("data", (chunk: Buffer) => this.#take(chunk));
    from.on("end", () => this.#add("end"));
    // its cause is of no interest: it is told to the other side in the same way
    from.on("error", () => {});
    from.on("close", (failed: boolean) => {
      if (failed) this.#add("reset");
    });
    to.on("drain", () => {
      this.#full = false;
      this.flush();
    });
    to.on("close", () => this.stop());
  }

  #take(chunk: Buffer): void {
    if (this.#corrupt && !this.#hole) {
      const at = chunk.length >> 1;
      chunk[at] = (chunk[at] ?? 0) ^ 1;
      this.#corrupt();
      this.#corrupt = undefined;
    }
    const piece = this.conditions.rate === undefined ? chunk.length : PIECE;
    for (let at = 0; at < chunk.length; at += piece) this.#add(chunk.subarray(at, at + piece));
    if (this.#bytes > CAPACITY) this.from.pause();
  }

  #add(what: Item["what"]): void {
    const { delay, rate } = this.conditions;
    const length = typeof what === "string" ? 0 : what.length;
    this.#busyUntil = Math.max(performance.now(), this.#busyUntil) + (rate ? (length / rate) * 1_000 : 0);
    // what was sent earlier arrives earlier, also when the line has just become faster
    this.#lastDue = Math.max(this.#lastDue, this.#busyUntil + delay);
    this.#queue.push({ due: this.#lastDue, what });
    this.#bytes += length;
    this.flush();
  }

  /** Delivers what is due. */
  flush(): void {
    clearTimeout(this.#timer);
    while (!this.#hole && !this.conditions.outage && !this.#full) {
      const [next] = this.#queue;
      if (!next) break;
      const early = next.due - performance.now();
      if (early > 0) {
        this.#timer = setTimeout(() => this.flush(), early);
        break;
      }
      this.#queue.shift();
      this.#deliver(next.what);
    }
    if (this.#bytes <= CAPACITY / 2 && !this.#hole) this.from.resume();
  }

  #deliver(what: Item["what"]): void {
    if (what === "end") this.to.end();
    else if (what === "reset") this.to.resetAndDestroy();
    else {
      this.#bytes -= what.length;
      this.carried(what.length);
      this.#full = !this.to.write(what);
    }
  }

  /** Carries nothing more, not even the end. */
  hole(): void {
    this.#hole = true;
    this.stop();
  }

  /** Changes one bit of what comes next; `done` is told when that happened. */
  corrupt(done: () => void): void {
    this.#corrupt = done;
  }

  /** Forgets what is on the line. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#queue.length = 0;
    this.#bytes = 0;
  }
}

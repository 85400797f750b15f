/**
 * How long a stream stands still. A probe keeps one connection to an echo for the whole run and sends 64 bytes
 * every few ms, whether or not the ones before have come back. What each takes there and back beyond what it
 * usually takes is time in which the stream had something to do and made no progress.
 */
import { connect, type Socket } from "node:net";
import type { Tally } from "./tally.ts";

const PING = 64;
/** ms between two pings. */
export const INTERVAL = 5;

export class StallProbe {
  readonly #socket: Socket;
  /** When those pings were sent that are not back yet. */
  readonly #sentAt: number[] = [];
  #sent = 0;
  #returned = 0;
  #times: number[] = [];
  #rest = Buffer.alloc(0);
  #timer: NodeJS.Timeout | undefined;
  #longest = 0;
  #usual = 0;
  /** Those who wait for a ping that is sent after they asked. */
  #waiting: { number: number; done: () => void }[] = [];

  constructor(
    private readonly name: string,
    place: { host: string; port: number },
    private readonly tally: Tally,
  ) {
    this.#socket = connect({ ...place, noDelay: true });
    this.#socket.on("connect", () => {
      this.#timer = setInterval(() => this.#send(), INTERVAL);
    });
    this.#socket.on("data", (chunk: Buffer) => this.#take(chunk));
    this.#socket.on("end", () => tally.fail(`the probe ${name}`, "its stream was ended"));
    this.#socket.on("error", (error) => tally.fail(`the probe ${name}`, error.message));
    this.#socket.on("close", () => clearInterval(this.#timer));
  }

  #send(): void {
    const ping = Buffer.alloc(PING, this.#sent & 0xff);
    ping.writeUInt32BE(this.#sent++);
    this.#sentAt.push(performance.now());
    this.#socket.write(ping);
  }

  #take(chunk: Buffer): void {
    const now = performance.now();
    let bytes = Buffer.concat([this.#rest, chunk]);
    for (; bytes.length >= PING; bytes = bytes.subarray(PING)) {
      const expected = Buffer.alloc(PING, this.#returned & 0xff);
      expected.writeUInt32BE(this.#returned++);
      if (!expected.equals(bytes.subarray(0, PING))) {
        this.tally.mistake(`the probe ${this.name}`, `another answer to ping ${this.#returned - 1}`);
        this.#socket.destroy();
        return;
      }
      this.#note(now - (this.#sentAt.shift() as number));
    }
    this.#rest = bytes;
    for (const { number, done } of this.#waiting) if (number < this.#returned) done();
    this.#waiting = this.#waiting.filter(({ number }) => number >= this.#returned);
  }

  #note(took: number): void {
    if (this.#usual === 0) this.#times.push(took);
    else this.#longest = Math.max(this.#longest, took - this.#usual);
  }

  /** From now on stalls count: beyond the median of the times that pings took until now, which it gives, in ms. */
  begin(): number {
    const sorted = this.#times.toSorted((a, b) => a - b);
    const median = sorted[sorted.length >> 1];
    if (median === undefined) throw new Error(`the probe ${this.name} got no answer`);
    this.#usual = median;
    this.#times = [];
    return median;
  }

  /** Resolves when a ping is answered that was sent after now. */
  answered(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ number: this.#sent, done: resolve });
    return promise;
  }

  /** The longest stall in ms, one that has not ended included; then it begins anew. */
  stall(): number {
    const [oldest] = this.#sentAt;
    const open = oldest === undefined ? 0 : performance.now() - oldest - this.#usual;
    const longest = Math.max(this.#longest, open);
    this.#longest = 0;
    return longest;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#socket.destroy();
  }
}

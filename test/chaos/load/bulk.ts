/**
 * Bulk both ways: a transfer sends a stream of bytes in which no place is like another, gets them back from an
 * echo behind the agent, and compares each with what must come there. So a byte that is lost, repeated, changed
 * or out of order is seen, and so is an end that comes too early or not at all.
 */
import { createCipheriv } from "node:crypto";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Dice } from "../dice.ts";
import type { Tally } from "./tally.ts";

const MIB = 1 << 20;
const BLOCK = 64 << 10;
const ZEROS = Buffer.alloc(BLOCK);
/** Bytes of a transfer. */
const SIZE = { least: 1 * MIB, most: 64 * MIB };
/** ms without a byte after which a transfer counts as broken: longer than any interruption may be. */
const PATIENCE = 60_000;

/** An endless row of bytes that follows from a seed: the keystream of AES in counter mode. */
class Keystream {
  readonly #cipher;

  constructor(seed: Buffer) {
    this.#cipher = createCipheriv("aes-128-ctr", seed, Buffer.alloc(16));
  }

  next(length: number): Buffer {
    return this.#cipher.update(ZEROS.subarray(0, length));
  }
}

/** Runs transfers one after the other until `stop` is aborted; the last one ends early, but whole. */
export async function bulkLoad(
  place: { host: string; port: number },
  rate: number | undefined,
  dice: Dice,
  tally: Tally,
  stop: AbortSignal,
): Promise<void> {
  while (!stop.aborted) {
    const size = Math.round(dice.between(SIZE.least, SIZE.most));
    const seed = Buffer.from(Array.from({ length: 16 }, () => dice.between(0, 256)));
    const trouble = await new Transfer(
      connect({ ...place, allowHalfOpen: true }),
      seed,
      size,
      rate,
      stop,
      tally,
    ).over;
    if (trouble !== undefined) tally.corrupt("bulk", trouble);
    // an endpoint without a site refuses at once: no tight loop then
    if (trouble !== undefined) await delay(100);
  }
}

class Transfer {
  /** Why it was not right, if it was not. */
  readonly over: Promise<string | undefined>;
  readonly #there: Keystream;
  readonly #back: Keystream;
  readonly #begun = performance.now();
  #sent = 0;
  #returned = 0;
  #ended = false;
  #finish: (trouble?: string) => void = () => {};
  #pace: NodeJS.Timeout | undefined;

  constructor(
    private readonly socket: Socket,
    seed: Buffer,
    private readonly size: number,
    private readonly rate: number | undefined,
    private readonly stop: AbortSignal,
    private readonly tally: Tally,
  ) {
    this.#there = new Keystream(seed);
    this.#back = new Keystream(seed);
    let patience = setTimeout(() => {}, 0);
    const wait = () => {
      clearTimeout(patience);
      patience = setTimeout(() => this.#finish(`nothing came for ${PATIENCE / 1000} s${this.#at}`), PATIENCE);
    };
    this.over = new Promise((resolve) => {
      this.#finish = (trouble) => {
        clearTimeout(patience);
        clearTimeout(this.#pace);
        socket.destroy();
        resolve(trouble);
      };
    });
    wait();
    socket.on("connect", () => this.#send());
    socket.on("drain", () => this.#send());
    socket.on("data", (chunk: Buffer) => {
      wait();
      this.#compare(chunk);
    });
    socket.on("end", () => {
      const whole = this.#ended && this.#returned === this.#sent;
      this.#finish(whole ? undefined : `it ended${this.#at}`);
    });
    socket.on("error", (error) => this.#finish(`${error.message}${this.#at}`));
    socket.on("close", () => this.#finish(`it was closed${this.#at}`));
  }

  get #at(): string {
    return ` after ${this.#returned} of ${this.#sent} bytes`;
  }

  #send(): void {
    clearTimeout(this.#pace);
    while (!this.#ended) {
      if (this.#sent >= this.size || this.stop.aborted) {
        this.#ended = true;
        this.socket.end();
        return;
      }
      const early = this.rate
        ? (this.#sent / (this.rate * MIB)) * 1_000 - (performance.now() - this.#begun)
        : 0;
      if (early > 0) {
        this.#pace = setTimeout(() => this.#send(), early);
        return;
      }
      const block = this.#there.next(Math.min(BLOCK, this.size - this.#sent));
      this.#sent += block.length;
      if (!this.socket.write(block)) return;
    }
  }

  #compare(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; at += BLOCK) {
      const part = chunk.subarray(at, at + BLOCK);
      if (!part.equals(this.#back.next(part.length))) return this.#finish(`other bytes came back${this.#at}`);
      this.#returned += part.length;
      this.tally.bulkBytes += part.length;
    }
  }
}

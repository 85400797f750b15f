/**
 * Keeps an answer whose length must be told before its first byte. What is small stays in memory, the rest
 * goes into a file that has no name, so that it is gone with the hub however that ends.
 */

import { close, open, read, unlinkSync, write } from "node:fs";
import { join } from "node:path";
import { reasonOf } from "../../../common/errors.ts";
import { Refusal } from "../../../common/livestatus/index.ts";

export interface SpoolOptions {
  /** Where files may be; it exists. */
  directory: string;
  /** Another name each time. */
  name: () => string;
  /** Bytes of an answer at most. */
  largest: number;
}

/** Bytes that stay in memory: pages' answers do. */
const IN_MEMORY = 1 << 20;
/** Bytes that are read at once. */
const PIECE = 128 << 10;

export class Spool {
  readonly #options: SpoolOptions;
  #chunks: Buffer[] = [];
  #length = 0;
  /** Bytes in memory, and those in the file; others are between the two. */
  #held = 0;
  #written = 0;
  #file: number | undefined;
  #writing = false;
  #idle: (() => void) | undefined;
  #failure: Refusal | undefined;
  #closed = false;

  constructor(options: SpoolOptions) {
    this.#options = options;
  }

  get length(): number {
    return this.#length;
  }

  /** What waits for the disk is enough for now; `whenIdle` tells when it is out. */
  get busy(): boolean {
    return this.#writing && this.#held > IN_MEMORY;
  }

  /** Why it cannot be kept. */
  get failure(): Refusal | undefined {
    return this.#failure;
  }

  append(chunk: Buffer): void {
    if (this.#failure || this.#closed) return;
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    this.#length += chunk.length;
    if (this.#length > this.#options.largest) {
      this.#fail(new Refusal(413, `the answer is larger than the ${this.#options.largest} bytes allowed`));
    } else if (this.#held > IN_MEMORY && !this.#writing) this.#flush();
  }

  /** Calls back when nothing is being written, perhaps at once. */
  whenIdle(then: () => void): void {
    if (this.#writing) this.#idle = then;
    else then();
  }

  /** Gives all of it piece by piece: a piece for each call, then undefined. */
  reader(): (piece: (bytes: Buffer | undefined) => void) => void {
    const file = this.#file;
    const chunks = this.#chunks;
    let at = 0;
    return (piece) => {
      if (this.#closed) return;
      if (file === undefined || at >= this.#written) {
        piece(chunks.shift());
        return;
      }
      const buffer = Buffer.allocUnsafe(Math.min(PIECE, this.#written - at));
      read(file, buffer, 0, buffer.length, at, (error, bytes) => {
        if (error || bytes === 0) this.#fail(new Refusal(502, "the hub cannot read the answer it has kept"));
        at += bytes ?? 0;
        piece(this.#failure ? undefined : buffer.subarray(0, bytes));
      });
    };
  }

  /** Forgets it. */
  close(): void {
    this.#closed = true;
    this.#chunks = [];
    this.#held = 0;
    if (!this.#writing) this.#closeFile();
  }

  #flush(): void {
    this.#writing = true;
    if (this.#file !== undefined) {
      this.#write(this.#file, this.#takeHeld());
      return;
    }
    const path = join(this.#options.directory, this.#options.name());
    open(path, "wx+", 0o600, (error, file) => {
      if (error) {
        this.#done(error);
        return;
      }
      unlinkSync(path);
      this.#file = file;
      this.#write(file, this.#takeHeld());
    });
  }

  #takeHeld(): Buffer {
    const bytes = Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#held = 0;
    return bytes;
  }

  #write(file: number, bytes: Buffer): void {
    if (bytes.length === 0) {
      this.#done(null);
      return;
    }
    write(file, bytes, 0, bytes.length, this.#written, (error, written) => {
      this.#written += written ?? 0;
      if (error || written === bytes.length) this.#done(error);
      else this.#write(file, bytes.subarray(written));
    });
  }

  #done(error: Error | null): void {
    this.#writing = false;
    if (error) this.#fail(new Refusal(502, `the hub cannot keep the answer: ${reasonOf(error)}`));
    if (this.#closed) {
      this.#closeFile();
      return;
    }
    if (!this.#failure && this.#held > IN_MEMORY) {
      this.#flush();
      return;
    }
    const idle = this.#idle;
    this.#idle = undefined;
    idle?.();
  }

  #fail(refusal: Refusal): void {
    this.#failure ??= refusal;
    this.#chunks = [];
    this.#held = 0;
  }

  #closeFile(): void {
    if (this.#file !== undefined) close(this.#file, () => {});
    this.#file = undefined;
  }
}

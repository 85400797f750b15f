/**
 * Compression of a stream's data, frame by frame: each packed body is a zstd frame of its own (RFC 8878), with
 * nothing carried over from one to the next, so that no byte of one stream, or of another tenant, shows in the
 * length of another's. Tried where it may pay, and left alone for ever longer where it did not.
 */
import { zstdDecompressSync } from "node:zlib";
import { brokenFrame } from "./frame.ts";

/** Most bytes that a packed body may hold unpacked. */
export const MAX_UNPACKED = 256 << 10;

/** Levels of zstd: 600 MB/s, and 60 MB/s for a tenth less. */
const LEVEL = 1;
const THIN_LEVEL = 10;

/** Fewer bytes are not worth it: a record costs some 80 bytes anyway. */
const LEAST = 512;
/** A body must shrink to this part of itself. */
const WORTH = 0.85;
/** Tries left out after a failed one, at most. */
const MOST_SKIPPED = 64;

const scratch = Buffer.alloc(MAX_UNPACKED);

/** What packing needs of the bytes that wait in a stream. */
export interface Waiting {
  /** Copies the first `bytes` of them to the start of `into`, without taking them. */
  peek(into: Buffer, bytes: number): void;
}

export class Packing {
  /** How many bytes one packed byte stood for lately. */
  #ratio = 6;
  #skip = 0;
  #misses = 0;
  /** How many bytes the last `pack` stands for. */
  covered = 0;

  /**
   * A packed body of at most `room` bytes for the first of the `available` bytes, or undefined.
   * @param thin whether the line is so thin that it pays to spend ten times as long on a tenth less
   */
  pack(waiting: Waiting, available: number, room: number, thin = false): Uint8Array | undefined {
    if (available < LEAST) return undefined;
    if (this.#skip > 0) {
      this.#skip--;
      return undefined;
    }
    const level = thin ? THIN_LEVEL : LEVEL;
    // the second try is for text that packs worse than what came before it
    for (let tries = 0; tries < 2; tries++) {
      const length = Math.min(available, MAX_UNPACKED, Math.floor(room * this.#ratio));
      waiting.peek(scratch, length);
      const packed = Bun.zstdCompressSync(scratch.subarray(0, length), { level });
      this.#ratio = Math.max(1, Math.min(16, (0.9 * length) / packed.length));
      if (packed.length > length * WORTH) {
        this.#skip = Math.min(MOST_SKIPPED, 2 ** this.#misses++);
        return undefined;
      }
      this.#misses = 0;
      if (packed.length > room) continue;
      this.covered = length;
      return packed;
    }
    return undefined;
  }
}

/** What a packed body holds. Throws E_PROTOCOL, also when it is longer than MAX_UNPACKED. */
export function unpackBody(body: Buffer): Buffer {
  try {
    return zstdDecompressSync(body, { maxOutputLength: MAX_UNPACKED });
  } catch {
    throw brokenFrame("a packed body cannot be unpacked");
  }
}

/**
 * What makes the audit a chain: each record has a seal over itself and the seal before it.
 *
 *   seal = HMAC-SHA-256(key, "farsite audit 1\0" | seal before | number | at | who | origin | action | tenant | site | detail)
 *
 * The seal before is 32 bytes, zero for the first; number and at (ms since the epoch) are 8 bytes each, big-endian;
 * every text is its length in bytes of UTF-8 as 4 bytes, big-endian, and then those. So no two records are encoded
 * alike, and who has the database but not the key can make no seal.
 */
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";
import type { Row } from "./record.ts";

/** Bytes of the key, and of a seal. */
export const SEAL_BYTES = 32;
/** Before the first record. */
export const NO_SEAL = "0".repeat(2 * SEAL_BYTES);

const RECORD = Buffer.from("farsite audit 1\0");
const DIGEST = Buffer.from("farsite audit digest 1\0");
const ANCHOR = Buffer.from("farsite audit anchor 1\0");

/** A place in the chain. */
export interface Link {
  /** Of the record; the first is 1. */
  number: number;
  /** Its seal, lower-case hexadecimal. */
  seal: string;
}

const TEXTS = ["who", "origin", "action", "tenant", "site", "detail"] as const;
/** Bytes of one UTF-16 unit in UTF-8, at most. */
const WIDEST = 3;
/** Bytes that a record of the hub's own needs, at most; one that somebody else has made may need more. */
const USUAL = 8 << 10;

export class Sealer {
  readonly #key: KeyObject;
  // one buffer for all: a million records are sealed, or checked, at once
  #buffer = Buffer.alloc(USUAL);

  /** @param key of SEAL_BYTES bytes */
  constructor(key: Uint8Array) {
    this.#key = createSecretKey(key);
  }

  /** The seal of a record behind the one with the seal `before`. */
  record(before: string, number: number, row: Row): string {
    let most = RECORD.length + SEAL_BYTES + 16;
    for (const name of TEXTS) most += 4 + WIDEST * row[name].length;
    if (most > this.#buffer.length) this.#buffer = Buffer.alloc(most);
    const buffer = this.#buffer;
    let at = RECORD.copy(buffer);
    // a seal that is none leaves zeros: it must not matter what was sealed last
    buffer.fill(0, at, at + SEAL_BYTES);
    buffer.write(before, at, SEAL_BYTES, "hex");
    at = buffer.writeBigInt64BE(BigInt(number), at + SEAL_BYTES);
    at = buffer.writeBigInt64BE(BigInt(row.at), at);
    for (const name of TEXTS) {
      const length = buffer.write(row[name], at + 4);
      buffer.writeUInt32BE(length, at);
      at += 4 + length;
    }
    return this.#mac(buffer.subarray(0, at));
  }

  /** Proves that everything up to this record was removed by the hub itself. */
  anchor({ number, seal }: Link): string {
    const bytes = Buffer.alloc(8 + SEAL_BYTES);
    bytes.writeBigInt64BE(BigInt(number));
    bytes.write(seal, 8, SEAL_BYTES, "hex");
    return this.#mac(Buffer.concat([ANCHOR, bytes]));
  }

  /** Of a text that must not be told: what has another digest is another one. */
  digest(text: string): string {
    return this.#mac(Buffer.concat([DIGEST, Buffer.from(text)])).slice(0, 32);
  }

  #mac(bytes: Buffer): string {
    return createHmac("sha256", this.#key).update(bytes).digest("hex");
  }
}

export function sameSeal(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** `NUMBER:SEAL`: how a place in the chain is kept outside the database. */
export function encodeLink({ number, seal }: Link): string {
  return `${number}:${seal}`;
}

/** Undefined: it is none. */
export function decodeLink(text: string): Link | undefined {
  const [, number, seal] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text.trim()) ?? [];
  return number === undefined || seal === undefined ? undefined : { number: Number(number), seal };
}

/** Secrets that the hub makes and others hold: 256 random bits, of which the hub keeps a hash. */

import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { Random } from "../../common/random.ts";

const SECRET_BYTES = 32;
const SECRET = /^[A-Za-z0-9_-]{43}$/;

export function makeSecret(random: Random): string {
  return Buffer.from(random.bytes(SECRET_BYTES)).toString("base64url");
}

/** Whether it may be one at all: what is not is never looked up. */
export function isSecret(text: string): boolean {
  return SECRET.test(text);
}

/** SHA-256, hexadecimal: enough for what cannot be guessed. */
export function hashOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** What follows from a secret for one use, and does not tell it. */
export function derived(secret: string, use: string): string {
  return createHmac("sha256", secret).update(use).digest("base64url");
}

/** In a time that does not depend on where they differ. */
export function same(a: string, b: string): boolean {
  const [one, two] = [Buffer.from(a), Buffer.from(b)];
  return one.length === two.length && timingSafeEqual(one, two);
}

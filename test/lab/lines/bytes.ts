/** Bytes that two processes can make each for itself, to see whether what lies between them changed any. */
import { createCipheriv, createHash } from "node:crypto";

/** `count` bytes that look random, the same for the same `seed`. */
export function bytesOf(seed: string, count: number): Buffer {
  const key = createHash("sha256").update(seed).digest();
  return createCipheriv("aes-256-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(count));
}

export function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Bytes: alike, in text, and of a fixed length inside MessagePack. */
import { z } from "zod";

/** For schemas. */
export const fixedBytes = (length: number) =>
  z
    .custom<Uint8Array>((value) => value instanceof Uint8Array)
    .refine((value) => value.length === length, `${length} bytes`);

/** Whether they are the same; not for secrets, since it takes longer the more they have in common. */
export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

/** Hexadecimal, in small letters. */
export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
}

/**
 * A queued item as a file. Its number is its name, so that the file can be written before the number is known:
 *
 *    0  4   "FSQ1"
 *    4  u32 length of meta
 *    8  u32 length of body
 *   12  16  first bytes of the SHA-256 of meta and body
 *   28      meta: MessagePack, what the queue's owner wants to know without reading the body
 *           body
 */
import { createHash } from "node:crypto";

export const HEAD = 28;
const MAGIC = Buffer.from("FSQ1", "latin1");
/** Longest meta, in bytes. */
export const MAX_META = 4 << 10;

/** An item as the parts of its file. */
export function encodeItem(meta: Uint8Array, body: Uint8Array): Uint8Array[] {
  const head = Buffer.alloc(HEAD);
  MAGIC.copy(head);
  head.writeUInt32BE(meta.length, 4);
  head.writeUInt32BE(body.length, 8);
  checksum(meta, body).copy(head, 12);
  return [head, meta, body];
}

/** The meta of a file whose first HEAD + MAX_META bytes these are. Throws when it is torn or none of ours. */
export function readMeta(start: Buffer, size: number): Buffer {
  const { meta, body } = lengths(start);
  if (size !== HEAD + meta + body) throw new Error(`it has ${size} bytes instead of ${HEAD + meta + body}`);
  return start.subarray(HEAD, HEAD + meta);
}

/** Both parts of a whole file. Throws when anything in the file is not as it was written. */
export function readItem(file: Buffer): { meta: Buffer; body: Buffer } {
  const meta = readMeta(file, file.length);
  const body = file.subarray(HEAD + meta.length);
  if (!checksum(meta, body).equals(file.subarray(12, HEAD))) throw new Error("its checksum is wrong");
  return { meta, body };
}

function lengths(start: Buffer): { meta: number; body: number } {
  if (start.length < HEAD || !start.subarray(0, 4).equals(MAGIC)) throw new Error("it is no queued item");
  const meta = start.readUInt32BE(4);
  if (meta > MAX_META || start.length < HEAD + meta) throw new Error("it is cut short");
  return { meta, body: start.readUInt32BE(8) };
}

function checksum(meta: Uint8Array, body: Uint8Array): Buffer {
  return createHash("sha256").update(meta).update(body).digest().subarray(0, 16);
}

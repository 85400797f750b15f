/**
 * Queued items as a file: one, or several of rising numbers behind one another. The number of the first is the file's
 * name, so that the file can be written before the number is known. Each item:
 *
 *    0  4   "FSQ1", or "FSQ0" when the item was taken out
 *    4  u32 length of meta
 *    8  u32 length of body
 *   12  16  first bytes of the SHA-256 of meta and body
 *   28      meta: MessagePack, what the queue's owner wants to know without reading the body
 *           body
 */
import { createHash } from "node:crypto";

export const HEAD = 28;
const MAGIC = Buffer.from("FSQ1", "latin1");
/** What stands there instead when an item was taken out of a file that has others. */
export const GONE = Buffer.from("FSQ0", "latin1");
/** Longest meta, in bytes. */
export const MAX_META = 4 << 10;

/** An item as its parts. */
export function encodeItem(meta: Uint8Array, body: Uint8Array): Uint8Array[] {
  const head = Buffer.alloc(HEAD);
  MAGIC.copy(head);
  head.writeUInt32BE(meta.length, 4);
  head.writeUInt32BE(body.length, 8);
  checksum(meta, body).copy(head, 12);
  return [head, meta, body];
}

/**
 * The meta of an item, how long the item is, and whether it was taken out.
 * @param start its first HEAD + MAX_META bytes, or what there is of them
 * @param rest bytes of the file from its start on
 * Throws when it is torn or none of ours.
 */
export function readMeta(start: Buffer, rest: number): { meta: Buffer; size: number; gone: boolean } {
  const gone = start.subarray(0, 4).equals(GONE);
  if (start.length < HEAD || !(gone || start.subarray(0, 4).equals(MAGIC))) {
    throw new Error("it is no queued item");
  }
  const meta = start.readUInt32BE(4);
  if (meta > MAX_META || start.length < HEAD + meta) throw new Error("it is cut short");
  const size = HEAD + meta + start.readUInt32BE(8);
  if (rest < size) throw new Error(`it has ${rest} bytes instead of ${size}`);
  return { meta: start.subarray(HEAD, HEAD + meta), size, gone };
}

/** Both parts of an item of which these are all bytes. Throws when anything in it is not as it was written. */
export function readItem(item: Buffer): { meta: Buffer; body: Buffer } {
  const { meta, size } = readMeta(item, item.length);
  if (item.length !== size) throw new Error(`it has ${item.length} bytes instead of ${size}`);
  const body = item.subarray(HEAD + meta.length);
  if (!checksum(meta, body).equals(item.subarray(12, HEAD))) throw new Error("its checksum is wrong");
  return { meta, body };
}

function checksum(meta: Uint8Array, body: Uint8Array): Buffer {
  return createHash("sha256").update(meta).update(body).digest().subarray(0, 16);
}

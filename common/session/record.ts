/**
 * Records are what the two ends of a session say to each other, one per carrier message, inside Noise.
 * The first byte of the plaintext is the kind:
 *
 *   0 FRAMES    numbered: u48 as in ACK, then mux frames, back to back, to the end of the record
 *   1 ACK       u48 count of FRAMES records received in this session so far
 *   2 PING      u32 any number
 *   3 PONG      u32 the number of the PING
 *   4 ATTACH    MessagePack, agent to hub, the first record of a carrier: which session goes on here
 *   5 ATTACHED  MessagePack, hub to agent, the answer: from now on FRAMES may be sent
 *   6 END       UTF-8 text, `CODE message`: the session is over
 *   7 ENROL     empty, agent to hub, the first record after an enrolment handshake: the key is kept, use the token
 *   8 ENROLLED  empty, hub to agent: the token is used up and the agent's key is the site's
 *   9 GOAWAY    u32 ms, hub to agent: this carrier should be left. 0: take another now, this one serves until
 *               then. Otherwise the hub is about to stop: come back after so long
 *  10 PROBE     u32 length of the answer, and any bytes; agent to hub, in the place of ATTACH
 *  11 PROBED    u32 length of the PROBE, and any bytes; hub to agent, the answer
 *
 * FRAMES records carry no number of their own: a carrier keeps order, so the number of its first one,
 * agreed by ATTACH and ATTACHED, gives the rest. All integers are big-endian.
 */
import { type ErrorCode, FarsiteError, isErrorCode } from "../errors.ts";

export const FRAMES = 0;
export const ACK = 1;
export const PING = 2;
export const PONG = 3;
export const ATTACH = 4;
export const ATTACHED = 5;
export const END = 6;
export const ENROL = 7;
export const ENROLLED = 8;
export const GOAWAY = 9;
export const PROBE = 10;
export const PROBED = 11;

/** Bytes of a FRAMES record before its frames: the kind, and an acknowledgement that costs no record. */
export const FRAMES_HEADER = 7;

/** Largest plaintext of a record: one Noise message less its tag (Noise, section 3). */
export const MAX_RECORD = 65_535 - 16;

/** Longest text of an END record, in bytes. */
const MAX_END_TEXT = 512;

/** Count of FRAMES records at the other end, as sent in ACK: 48 bits last 89 years at 100,000 a second. */
export function encodeAck(count: number): Buffer {
  const record = Buffer.allocUnsafe(7);
  record[0] = ACK;
  writeAck(record, count);
  return record;
}

/** Puts the count into an ACK, or into the header of a FRAMES record. */
export function writeAck(record: Buffer, count: number): void {
  record.writeUIntBE(count, 1, 6);
}

/** The count in an ACK, or in the header of a FRAMES record. */
export function readAck(record: Buffer): number {
  if (record[0] === ACK) expectLength(record, 7, "ACK");
  else if (record.length < FRAMES_HEADER) throw malformed(`FRAMES of ${record.length} bytes`);
  return record.readUIntBE(1, 6);
}

export function encodePing(kind: typeof PING | typeof PONG, id: number): Buffer {
  const record = Buffer.allocUnsafe(5);
  record[0] = kind;
  record.writeUInt32BE(id >>> 0, 1);
  return record;
}

export function decodePing(record: Buffer): number {
  expectLength(record, 5, record[0] === PING ? "PING" : "PONG");
  return record.readUInt32BE(1);
}

export function encodeGoAway(ms: number): Buffer {
  const record = Buffer.allocUnsafe(5);
  record[0] = GOAWAY;
  record.writeUInt32BE(Math.min(ms, 0xffff_ffff), 1);
  return record;
}

export function decodeGoAway(record: Buffer): number {
  expectLength(record, 5, "GOAWAY");
  return record.readUInt32BE(1);
}

/** Bytes of a PROBE or PROBED record before what fills it. */
export const PROBE_HEADER = 5;

/** @param length of the whole record, PROBE_HEADER to MAX_RECORD */
export function encodeProbe(kind: typeof PROBE | typeof PROBED, value: number, length: number): Buffer {
  const record = Buffer.alloc(length);
  record[0] = kind;
  record.writeUInt32BE(value, 1);
  return record;
}

/** The length that a PROBE asks for, or that PROBED tells of; both are of whole records. */
export function decodeProbe(record: Buffer): number {
  const length = record.length < PROBE_HEADER ? 0 : record.readUInt32BE(1);
  if (length < PROBE_HEADER || length > MAX_RECORD) throw malformed(`PROBE or PROBED for ${length} bytes`);
  return length;
}

/** Why a session ended, as it goes over the wire: `CODE message`. */
export function encodeEnd(error: FarsiteError): Buffer {
  const text = Buffer.from(`${error.code} ${error.message}`).subarray(0, MAX_END_TEXT);
  return Buffer.concat([Buffer.from([END]), text]);
}

export function decodeEnd(record: Buffer): FarsiteError {
  if (record.length > 1 + MAX_END_TEXT) throw malformed("END is too long");
  const [code = "", ...rest] = record
    .toString("utf8", 1)
    .replace(/\p{Cc}/gu, "?")
    .split(" ");
  const known: ErrorCode = isErrorCode(code) ? code : "E_SESSION_LOST";
  return new FarsiteError(known, rest.join(" ") || "the other side ended the session");
}

function expectLength(record: Buffer, length: number, name: string): void {
  if (record.length !== length) throw malformed(`${name} of ${record.length} bytes, expected ${length}`);
}

export function malformed(what: string): FarsiteError {
  return new FarsiteError("E_PROTOCOL", `malformed record: ${what}`);
}

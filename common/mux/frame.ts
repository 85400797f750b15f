/**
 * Mux frames. A FRAMES record holds one or more, back to back; each has an 8-byte header, big-endian:
 *
 *   0  u8   type
 *   1  u8   flags        FIN = 1: the sender's last DATA of this stream
 *                        PACKED = 2: with DATA, the body is compressed; with OPEN, DATA of this stream may be
 *   2  u16  length       of the body
 *   4  u32  stream       odd: opened by the agent; even, not 0: by the hub; rising per opener
 *
 *   type       body
 *   1 OPEN     u8 priority, then the service's name; DATA may follow in the same record
 *   2 DATA     bytes, counted unpacked against the receiver's credit
 *   3 CREDIT   u32 bytes more that the other side may send
 *   4 RESET    u16 code; the stream is gone in both directions
 *   5 CONTROL  MessagePack, on stream 0: what the two ends tell each other
 *
 * Each direction of a stream starts with INITIAL_CREDIT.
 */
import { FarsiteError } from "../errors.ts";

export const HEADER = 8;
export const OPEN = 1;
export const DATA = 2;
export const CREDIT = 3;
export const RESET = 4;
export const CONTROL = 5;
export const FIN = 1;
export const PACKED = 2;

/** Bytes that either side may send on a new stream before it is given more. */
export const INITIAL_CREDIT = 256 << 10;

/** Credit that a stream may have at most: 600 Mbit/s over a line of 100 ms need 7.5 MB. */
export const MOST_CREDIT = 8 << 20;

/** Longest name of a service in OPEN, in bytes. */
export const MAX_SERVICE_NAME = 32;

/** Longest CONTROL body, in bytes. */
export const MAX_CONTROL = 16 << 10;

/** Why a stream was reset, as sent in RESET. */
export const RESET_CODES = {
  /** The side that had opened or accepted it has no more use for it; a client went away. */
  cancelled: 1,
  /** The agent offers no such service. */
  serviceUnknown: 2,
  /** The service is not allowed for this site. */
  serviceRefused: 3,
  /** The agent could not reach the service's local target. */
  targetUnreachable: 4,
  /** Too many streams. */
  limit: 5,
  /** The session ended; never sent, made locally. */
  sessionLost: 6,
  /** A fault. */
  internal: 7,
} as const;

export type ResetReason = keyof typeof RESET_CODES;

const RESET_NAMES = new Map<number, ResetReason>(
  Object.entries(RESET_CODES).map(([name, code]) => [code, name as ResetReason]),
);

/** The reason of a code; a newer peer's code that is not known here counts as `internal`. */
export function resetReason(code: number): ResetReason {
  return RESET_NAMES.get(code) ?? "internal";
}

/** 0 is served first; what a stream carries decides. */
export type Priority = 0 | 1 | 2;
export const CONTROL_PRIORITY: Priority = 0;
export const INTERACTIVE: Priority = 1;
export const BULK: Priority = 2;

export function isPriority(value: number | undefined): value is Priority {
  return value === 0 || value === 1 || value === 2;
}

export function writeHeader(
  into: Buffer,
  at: number,
  type: number,
  flags: number,
  length: number,
  stream: number,
): void {
  into[at] = type;
  into[at + 1] = flags;
  into[at + 2] = length >>> 8;
  into[at + 3] = length & 0xff;
  into.writeUInt32BE(stream, at + 4);
}

export function brokenFrame(what: string): FarsiteError {
  return new FarsiteError("E_PROTOCOL", `malformed frame: ${what}`);
}

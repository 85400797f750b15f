/**
 * The first message each way on a new carrier. Agent to hub, then hub to agent:
 *
 *   0  u8  0x46           "F"
 *   1  u8  version        the protocol version the sender speaks
 *   2  u8  kind           1 session (Noise IK), 2 enrolment (Noise IKpsk2)
 *   3      Noise message 1
 *
 *   0  u8  0x46
 *   1  u8  version
 *   2  u8  status         0 accepted, 1 refused
 *   3      Noise message 2, or when refused UTF-8 text `CODE message`
 *
 * The prologue of Noise is "farsite" and the three bytes the agent sent, so that nobody between can change
 * them. A refusal in the open is used only where no keys are agreed yet; every other one is inside Noise.
 */
import { type ErrorCode, FarsiteError, isErrorCode } from "../errors.ts";

export const PROTOCOL_VERSION = 1;
export const SESSION = 1;
export const ENROLMENT = 2;
export type HandshakeKind = typeof SESSION | typeof ENROLMENT;

/** What a hub may refuse with before keys are agreed. */
const REFUSED_OPENLY: ReadonlySet<ErrorCode> = new Set([
  "E_VERSION",
  "E_HANDSHAKE",
  "E_HUB_KEY",
  "E_HUB_BUSY",
]);

const MAGIC = 0x46;
const ACCEPTED = 0;
const REFUSED = 1;

/** Longest first message either way: both Noise messages with their payloads stay far below. */
export const MAX_HANDSHAKE = 4096;

export function prologue(kind: HandshakeKind): Buffer {
  return Buffer.concat([Buffer.from("farsite"), Buffer.from([MAGIC, PROTOCOL_VERSION, kind])]);
}

export function encodeFirst(kind: HandshakeKind, noise: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([MAGIC, PROTOCOL_VERSION, kind]), noise]);
}

export function encodeAccepted(noise: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([MAGIC, PROTOCOL_VERSION, ACCEPTED]), noise]);
}

export function encodeRefused(error: FarsiteError): Buffer {
  const text = Buffer.from(`${error.code} ${error.message}`).subarray(0, 500);
  return Buffer.concat([Buffer.from([MAGIC, PROTOCOL_VERSION, REFUSED]), text]);
}

/** What the agent sent. Throws E_VERSION or E_HANDSHAKE. */
export function decodeFirst(message: Buffer): { kind: HandshakeKind; noise: Buffer } {
  checkFrame(message, "agent", "hub");
  const kind = message[2];
  if (kind !== SESSION && kind !== ENROLMENT) {
    throw new FarsiteError("E_HANDSHAKE", `unknown kind of handshake: ${kind}`);
  }
  return { kind, noise: message.subarray(3) };
}

/** What the hub answered: its Noise message, or its refusal is thrown. */
export function decodeSecond(message: Buffer): Buffer {
  checkFrame(message, "hub", "agent");
  if (message[2] === ACCEPTED) return message.subarray(3);
  if (message[2] !== REFUSED) throw new FarsiteError("E_HANDSHAKE", `unknown status ${message[2]}`);
  const [code = "", ...rest] = message
    .toString("utf8", 3)
    .replace(/\p{Cc}/gu, "?")
    .split(" ");
  // nobody vouches for these words: they may not claim more than what only they can say
  const open = isErrorCode(code) && REFUSED_OPENLY.has(code);
  throw new FarsiteError(open ? code : "E_HANDSHAKE", rest.join(" ") || "the hub refused");
}

function checkFrame(message: Buffer, sender: "agent" | "hub", self: "agent" | "hub"): void {
  if (message.length < 3 || message.length > MAX_HANDSHAKE || message[0] !== MAGIC) {
    throw new FarsiteError("E_HANDSHAKE", `the ${sender}'s first message is not Farsite's`);
  }
  if (message[1] !== PROTOCOL_VERSION) {
    throw new FarsiteError(
      "E_VERSION",
      `the ${sender} speaks protocol version ${message[1]}, this ${self} version ${PROTOCOL_VERSION}`,
      "Bring agent and hub to releases that share a protocol version; the hub is usually upgraded first.",
    );
  }
}

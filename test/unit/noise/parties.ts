/** Two sides of a handshake with fixed keys, for the tests of this folder. */
import { createHash } from "node:crypto";
import { expect } from "vitest";
import { type ErrorCode, FarsiteError } from "../../../common/errors.ts";
import {
  Handshake,
  type HandshakeOptions,
  IK,
  IKpsk2,
  KeyPair,
  type Pattern,
  type Transport,
  type TransportOptions,
} from "../../../common/noise/index.ts";
import { type Random, systemRandom } from "../../../common/random.ts";

export const PATTERNS: Pattern[] = [IK, IKpsk2];

/** 32 bytes that are always the same for one label. */
export function secretOf(label: string): Buffer {
  return createHash("sha256").update(label).digest();
}

/** Gives out `secret` as its only bytes, once. */
export function once(secret: Uint8Array): Random {
  let left: Uint8Array | undefined = secret;
  return {
    unit: () => 0,
    bytes(n) {
      const bytes = left;
      left = undefined;
      if (bytes?.length !== n) throw new Error("no such bytes left");
      return bytes;
    },
  };
}

export const agent = new KeyPair(secretOf("agent static"));
export const hub = new KeyPair(secretOf("hub static"));
export const psk = secretOf("psk");
const prologue = Buffer.from("farsite test");

/** The agent's side; the same on every call, its ephemeral key too, unless `changes` say otherwise. A null `key` is not set. */
export function initiator(
  pattern: Pattern,
  changes: Partial<HandshakeOptions> = {},
  key: Buffer | null = psk,
): Handshake {
  const handshake = new Handshake({
    pattern,
    role: "initiator",
    prologue,
    random: once(secretOf("agent ephemeral")),
    localStatic: agent,
    remoteStatic: hub.publicKey,
    ...changes,
  });
  if (pattern === IKpsk2 && key !== null) handshake.setPsk(key);
  return handshake;
}

/** The hub's side. */
export function responder(
  pattern: Pattern,
  changes: Partial<HandshakeOptions> = {},
  key: Buffer | null = psk,
): Handshake {
  const handshake = new Handshake({
    pattern,
    role: "responder",
    prologue,
    random: once(secretOf("hub ephemeral")),
    localStatic: hub,
    ...changes,
  });
  if (pattern === IKpsk2 && key !== null) handshake.setPsk(key);
  return handshake;
}

/** The agent's and the hub's transport after a handshake with fresh ephemeral keys. */
export function transports(
  agentOptions?: TransportOptions,
  hubOptions = agentOptions,
  pattern = IK,
): [Transport, Transport] {
  const a = initiator(pattern, { random: systemRandom });
  const b = responder(pattern, { random: systemRandom });
  b.readMessage(a.writeMessage());
  a.readMessage(b.writeMessage());
  return [a.split(agentOptions), b.split(hubOptions)];
}

/** Expects `run` to throw a FarsiteError with `code`, and gives it. */
export function thrown(code: ErrorCode, run: () => unknown): FarsiteError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(FarsiteError);
    expect((error as FarsiteError).code, String(error)).toBe(code);
    return error as FarsiteError;
  }
  throw new Error(`nothing was thrown where ${code} was expected`);
}

/** `bytes` with one bit changed. */
export function flipped(bytes: Buffer, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[bit >> 3]! ^= 1 << (bit & 7);
  return copy;
}

/** Points that give zero with whatever secret key: of low order, reduced and not (cr.yp.to/ecdh.html). */
export const LOW_ORDER = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  // the top bit is ignored (RFC 7748, section 5)
  "0000000000000000000000000000000000000000000000000000000000000080",
].map((hex) => Buffer.from(hex, "hex"));

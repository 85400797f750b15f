/** A test vector in the form that Noise implementations share, and how it is replayed on both sides. */
import { expect } from "vitest";
import {
  Handshake,
  type HandshakeOptions,
  KeyPair,
  type Pattern,
  PublicKey,
} from "../../../common/noise/index.ts";
import { once } from "./parties.ts";

/** All bytes are hex. */
export interface Vector {
  protocol_name: string;
  init_prologue: string;
  init_psks: string[];
  init_static?: string;
  init_ephemeral: string;
  init_remote_static?: string;
  resp_prologue: string;
  resp_psks: string[];
  resp_static?: string;
  resp_ephemeral: string;
  resp_remote_static?: string;
  handshake_hash?: string;
  messages: { payload: string; ciphertext: string }[];
}

const unhex = (hex: string): Buffer => Buffer.from(hex, "hex");

function side(vector: Vector, pattern: Pattern, role: HandshakeOptions["role"]): Handshake {
  const of = <T>(initiators: T, responders: T): T => (role === "initiator" ? initiators : responders);
  const localStatic = of(vector.init_static, vector.resp_static);
  const remoteStatic = of(vector.init_remote_static, vector.resp_remote_static);
  return new Handshake({
    pattern,
    role,
    prologue: unhex(of(vector.init_prologue, vector.resp_prologue)),
    random: once(unhex(of(vector.init_ephemeral, vector.resp_ephemeral))),
    ...(localStatic === undefined ? {} : { localStatic: new KeyPair(unhex(localStatic)) }),
    ...(remoteStatic === undefined ? {} : { remoteStatic: new PublicKey(unhex(remoteStatic)) }),
  });
}

function publicOf(secret: string | undefined): string | undefined {
  return secret === undefined ? undefined : new KeyPair(unhex(secret)).publicKey.bytes.toString("hex");
}

/** Expects both sides to write exactly the vector's messages, and to read them. */
export function replay(vector: Vector, pattern: Pattern): void {
  expect(vector.protocol_name).toBe(`Noise_${pattern.name}_25519_AESGCM_SHA256`);
  const a = side(vector, pattern, "initiator");
  const b = side(vector, pattern, "responder");
  const aPsks = vector.init_psks.map(unhex);
  const bPsks = vector.resp_psks.map(unhex);
  const count = pattern.messages.length;
  expect(vector.messages.length).toBeGreaterThan(count);
  for (const [i, tokens] of pattern.messages.entries()) {
    const { payload, ciphertext } = vector.messages[i]!;
    if (tokens.includes("psk")) {
      a.setPsk(aPsks.shift()!);
      b.setPsk(bPsks.shift()!);
    }
    const [writer, reader] = i % 2 === 0 ? [a, b] : [b, a];
    expect(writer.writeMessage(unhex(payload)).toString("hex")).toBe(ciphertext);
    expect(reader.readMessage(unhex(ciphertext)).toString("hex")).toBe(payload);
  }
  expect(a.handshakeHash).toEqual(b.handshakeHash);
  if (vector.handshake_hash) expect(a.handshakeHash.toString("hex")).toBe(vector.handshake_hash);
  expect(a.remoteStatic?.bytes.toString("hex")).toBe(publicOf(vector.resp_static));
  expect(b.remoteStatic?.bytes.toString("hex")).toBe(publicOf(vector.init_static));

  const [aTransport, bTransport] = [a.split(), b.split()];
  for (const [i, { payload, ciphertext }] of vector.messages.entries()) {
    if (i < count) continue;
    const [writer, reader] = i % 2 === 0 ? [aTransport, bTransport] : [bTransport, aTransport];
    expect(writer.encrypt(unhex(payload)).toString("hex")).toBe(ciphertext);
    expect(reader.decrypt(unhex(ciphertext)).toString("hex")).toBe(payload);
  }
}

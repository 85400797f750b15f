/**
 * An enrolment token: the one line that is pasted on the customer's host. `fst1_` and base64url of a
 * MessagePack array [hub URL, hub key, certificate fingerprint or nil, token id, secret], followed by the
 * first four bytes of its SHA-256, so that a line cut in copying is told from a wrong one.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { FarsiteError } from "../errors.ts";
import { pack, unpack } from "../msgpack.ts";

const PREFIX = "fst1_";
const CHECKSUM = 4;
const MAX_TOKEN = 2048;
export const TOKEN_ID_BYTES = 8;
export const TOKEN_SECRET_BYTES = 32;

export interface EnrolmentToken {
  /** wss://HOST[:PORT] of the hub, as agents reach it. */
  url: string;
  /** The hub's X25519 public key. */
  hubKey: Uint8Array;
  /** SHA-256 of the hub's TLS certificate (DER) where that one is self-made. */
  certificate: Uint8Array | undefined;
  id: Uint8Array;
  secret: Uint8Array;
}

const exactly = (length: number) =>
  z.instanceof(Uint8Array).refine((value) => value.length === length, `${length} bytes`);

const layout = z.tuple([
  z
    .string()
    .max(512)
    .refine((url) => /^wss?:\/\/[^/?#@\s]+$/.test(url) && URL.canParse(url)),
  exactly(32),
  exactly(32).nullable(),
  exactly(TOKEN_ID_BYTES),
  exactly(TOKEN_SECRET_BYTES),
]);

function checksum(body: Uint8Array): Buffer {
  return createHash("sha256").update(body).digest().subarray(0, CHECKSUM);
}

export function encodeToken(token: EnrolmentToken): string {
  const body = pack([token.url, token.hubKey, token.certificate ?? null, token.id, token.secret]);
  return PREFIX + Buffer.concat([body, checksum(body)]).toString("base64url");
}

/** Reads a pasted token; white space around and within it is forgiven. Throws E_TOKEN_MALFORMED. */
export function decodeToken(text: string): EnrolmentToken {
  const compact = text.replace(/\s+/g, "");
  if (compact === "" || compact.length > MAX_TOKEN || !compact.startsWith(PREFIX)) {
    throw malformed(`an enrolment token starts with ${PREFIX}`);
  }
  const encoded = compact.slice(PREFIX.length);
  const raw = Buffer.from(encoded, "base64url");
  const body = raw.subarray(0, Math.max(0, raw.length - CHECKSUM));
  // Buffer passes over what is not base64url and ignores the last character's spare bits
  const whole = raw.toString("base64url") === encoded;
  if (!whole || body.length === 0 || !checksum(body).equals(raw.subarray(body.length))) {
    throw malformed("the token is incomplete or was changed");
  }
  try {
    const [url, hubKey, certificate, id, secret] = unpack(layout, body, "the token");
    return { url, hubKey, certificate: certificate ?? undefined, id, secret };
  } catch {
    throw malformed("the token was made by another release");
  }
}

function malformed(why: string): FarsiteError {
  return new FarsiteError(
    "E_TOKEN_MALFORMED",
    `this is not an enrolment token: ${why}`,
    "Copy the whole line that `farsite-hub site token TENANT/SITE` prints.",
  );
}

/** What the hub keeps of a token's secret. */
export function hashSecret(secret: Uint8Array): Buffer {
  return createHash("sha256").update("farsite token hash").update(secret).digest();
}

/** The pre-shared key of the enrolment handshake: cannot be made from what the hub keeps. */
export function pskOf(secret: Uint8Array): Buffer {
  return createHash("sha256").update("farsite token psk").update(secret).digest();
}

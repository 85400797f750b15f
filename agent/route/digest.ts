/** HTTP Digest authentication, the client's side (RFC 7616). */
import { createHash } from "node:crypto";
import type { Challenge } from "./challenge.ts";

/**
 * What the algorithms are called on the wire and in node:crypto, the strongest first. SHA-512-256 is left out:
 * its authors do not say which of two functions of that name is meant, and proxies offer it beside another.
 */
const ALGORITHMS = { "sha-256": "sha256", md5: "md5" } as const;
type Algorithm = keyof typeof ALGORITHMS;

export interface DigestRequest {
  method: string;
  /** The request target as sent. */
  uri: string;
  user: string;
  password: string;
  /** A fresh one for each answer; letters and digits. */
  cnonce: string;
}

interface Terms {
  algorithm: Algorithm;
  /** The name as the challenge has it; undefined where it has none. */
  named: string | undefined;
  session: boolean;
  realm: string;
  nonce: string;
  /** Without it the answer is that of RFC 2069. */
  qop: "auth" | undefined;
}

function termsOf({ scheme, params }: Challenge): Terms | undefined {
  const named = params.get("algorithm");
  const [, algorithm = "", session] = /^(.*?)(-sess)?$/.exec((named ?? "md5").toLowerCase()) ?? [];
  const realm = params.get("realm");
  const nonce = params.get("nonce");
  const offered = params.get("qop")?.split(",");
  const auth = offered?.some((each) => each.trim().toLowerCase() === "auth");
  if (scheme !== "digest" || realm === undefined || nonce === undefined) return undefined;
  if (!Object.hasOwn(ALGORITHMS, algorithm) || auth === false || (session && !auth)) return undefined;
  return {
    algorithm: algorithm as Algorithm,
    named,
    session: session !== undefined,
    realm,
    nonce,
    qop: auth ? "auth" : undefined,
  };
}

/** How strong the answer to a challenge would be, more is stronger; 0 when it cannot be answered. */
export function digestStrength(challenge: Challenge): number {
  const terms = termsOf(challenge);
  const names = Object.keys(ALGORITHMS);
  return terms ? names.length - names.indexOf(terms.algorithm) : 0;
}

/** The credentials that answer a challenge, for Authorization or Proxy-Authorization. */
export function answerDigest(challenge: Challenge, request: DigestRequest): string {
  const terms = termsOf(challenge);
  if (!terms) throw new Error("a challenge that cannot be answered was chosen");
  const { realm, nonce, qop } = terms;
  const hash = (text: string) => createHash(ALGORITHMS[terms.algorithm]).update(text, "utf8").digest("hex");
  const nc = "00000001"; // a nonce is used once: the next connection gets a challenge of its own
  const user = `${request.user}:${realm}:${request.password}`;
  const a1 = terms.session ? `${hash(user)}:${nonce}:${request.cnonce}` : user;
  const a2 = `${request.method}:${request.uri}`;
  const middle = qop ? `${nonce}:${nc}:${request.cnonce}:${qop}` : nonce;
  const opaque = challenge.params.get("opaque");
  const hashedUser = challenge.params.get("userhash")?.toLowerCase() === "true";
  return [
    hashedUser
      ? `Digest username=${quoted(hash(`${request.user}:${realm}`))}`
      : `Digest ${named(request.user)}`,
    `realm=${quoted(realm)}`,
    `nonce=${quoted(nonce)}`,
    `uri=${quoted(request.uri)}`,
    `response=${quoted(hash(`${hash(a1)}:${middle}:${hash(a2)}`))}`,
    ...(terms.named === undefined ? [] : [`algorithm=${terms.named}`]),
    ...(qop ? [`qop=${qop}`, `nc=${nc}`, `cnonce=${quoted(request.cnonce)}`] : []),
    ...(opaque === undefined ? [] : [`opaque=${quoted(opaque)}`]),
    ...(hashedUser ? ["userhash=true"] : []),
  ].join(", ");
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** A user name outside of ASCII needs the extended notation (RFC 8187). */
function named(user: string): string {
  if (/^[\x20-\x7e]*$/.test(user)) return `username=${quoted(user)}`;
  const encoded = encodeURIComponent(user).replace(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16)}`);
  return `username*=UTF-8''${encoded}`;
}

/** A private certificate authority, and certificates for 127.0.0.1 that it signs, good and bad. */
import { webcrypto } from "node:crypto";
import { writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";

const DAY = 86_400_000;
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

export interface Wanted {
  /** Whom it is for. Default 127.0.0.1. */
  host?: string;
  /** Days from now. Default -1. */
  from?: number;
  /** Days from now. Default 30. */
  to?: number;
  /** What its holder is: a server, a client, or by default both. */
  role?: "server" | "client";
}

export interface CertificateFiles {
  certificate: string;
  key: string;
}

export interface Authority {
  /** The authority's own certificate (PEM file). */
  file: string;
  /** Signs a certificate and writes it and its key beside the authority's. */
  issue(name: string, wanted?: Wanted): Promise<CertificateFiles>;
}

/** Makes an authority whose files are in `folder`. */
export async function makeAuthority(folder: string): Promise<Authority> {
  const keys = await newKeys();
  const own = await X509CertificateGenerator.createSelfSigned({
    name: [{ CN: ["Farsite test authority"] }],
    notBefore: inDays(-400),
    notAfter: inDays(400),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  return {
    file: write("authority.pem", own.toString("pem")),
    async issue(name, { host = "127.0.0.1", from = -1, to = 30, role } = {}) {
      const pair = await newKeys();
      const made = await X509CertificateGenerator.create({
        subject: [{ CN: [host] }],
        issuer: own.subject,
        notBefore: inDays(from),
        notAfter: inDays(to),
        signingAlgorithm: ALGORITHM,
        publicKey: pair.publicKey,
        signingKey: keys.privateKey,
        extensions: [
          new BasicConstraintsExtension(false),
          new KeyUsagesExtension(KeyUsageFlags.digitalSignature),
          new ExtendedKeyUsageExtension([
            ...(role === "client" ? [] : [ExtendedKeyUsage.serverAuth]),
            ...(role === "server" ? [] : [ExtendedKeyUsage.clientAuth]),
          ]),
          new SubjectAlternativeNameExtension([{ type: isIP(host) ? "ip" : "dns", value: host }]),
          await SubjectKeyIdentifierExtension.create(pair.publicKey),
          await AuthorityKeyIdentifierExtension.create(own),
        ],
      });
      const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", pair.privateKey);
      return {
        certificate: write(`${name}.pem`, made.toString("pem")),
        key: write(`${name}-key.pem`, PemConverter.encode(pkcs8, "PRIVATE KEY")),
      };
    },
  };
}

function newKeys(): Promise<CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]) as Promise<CryptoKeyPair>;
}

function inDays(days: number): Date {
  return new Date(Date.now() + days * DAY);
}

/** A private certificate authority, and certificates for 127.0.0.1 that it signs, good and bad. */
import { X509Certificate } from "node:crypto";
import { writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { generate } from "selfsigned";

const DAY = 86_400_000;
const KEY = { keyType: "ec", curve: "P-256", algorithm: "sha256" } as const;

export interface Wanted {
  /** Whom it is for. Default 127.0.0.1. */
  host?: string;
  /** Days from now. Default -1. */
  from?: number;
  /** Days from now. Default 30. */
  to?: number;
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
  const own = await generate([{ name: "commonName", value: "Farsite test authority" }], {
    ...KEY,
    notBeforeDate: new Date(Date.now() - 400 * DAY),
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true },
    ],
    notAfterDate: new Date(Date.now() + 400 * DAY),
  });
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  return {
    file: write("authority.pem", own.cert),
    async issue(name, { host = "127.0.0.1", from = -1, to = 30 } = {}) {
      const made = await generate([{ name: "commonName", value: host }], {
        ...KEY,
        ca: { cert: own.cert, key: own.private },
        notBeforeDate: new Date(Date.now() + from * DAY),
        notAfterDate: new Date(Date.now() + to * DAY),
        extensions: [
          { name: "basicConstraints", cA: false },
          { name: "keyUsage", digitalSignature: true },
          { name: "extKeyUsage", serverAuth: true, clientAuth: true },
          {
            name: "subjectAltName",
            altNames: [isIP(host) ? { type: 7, ip: host } : { type: 2, value: host }],
          },
        ],
      });
      const issued = new X509Certificate(made.cert);
      if (!issued.verify(new X509Certificate(own.cert).publicKey)) throw new Error("not signed as asked");
      return {
        certificate: write(`${name}.pem`, made.cert),
        key: write(`${name}-key.pem`, made.private),
      };
    },
  };
}

/** The hub's own TLS certificate: from files, or made by itself at the first start. */
import { createHash, createPrivateKey, X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { generate } from "selfsigned";
import { FarsiteError, reasonOf } from "../common/errors.ts";
import { writeSecretFile } from "../common/files.ts";
import type { HubConfig } from "./config.ts";

export interface TlsIdentity {
  certificate: string;
  key: string;
  /** SHA-256 of the certificate (DER), which agents are told when no authority vouches for it. */
  fingerprint: Uint8Array | undefined;
}

const DAY = 86_400_000;
// long: agents trust this one certificate by its fingerprint, and nothing renews it behind their back
const VALID_DAYS = 3650;
// clocks of customers' hosts may be behind; the handshake tells them so in better words than TLS does
const BACKDATED_DAYS = 7;

/** The identity to listen with, or undefined for plain HTTP. Throws E_CONFIG or E_STATE. */
export async function loadTls(config: HubConfig, stateDir: string): Promise<TlsIdentity | undefined> {
  const { tls, certificate, key } = config.listen;
  if (tls === "off") return undefined;
  if (tls === "files") {
    const identity = {
      certificate: readPem(certificate ?? "", "listen.certificate", "CERTIFICATE"),
      key: readPem(key ?? "", "listen.key", "PRIVATE KEY"),
    };
    checkPair(identity.certificate, identity.key, `${certificate} and ${key}`);
    return { ...identity, fingerprint: undefined };
  }
  const certificatePath = join(stateDir, "tls-certificate.pem");
  const keyPath = join(stateDir, "tls-key.pem");
  if (!existsSync(certificatePath) || !existsSync(keyPath)) {
    const made = await selfSigned(new URL(config.url).hostname.replace(/^\[|\]$/g, ""));
    writeSecretFile(keyPath, made.key);
    writeSecretFile(certificatePath, made.certificate);
  }
  const identity = {
    certificate: readPem(certificatePath, "the certificate", "CERTIFICATE"),
    key: readPem(keyPath, "its key", "PRIVATE KEY"),
  };
  const parsed = checkPair(identity.certificate, identity.key, certificatePath);
  return { ...identity, fingerprint: createHash("sha256").update(parsed.raw).digest() };
}

async function selfSigned(host: string): Promise<{ certificate: string; key: string }> {
  const now = Date.now();
  const made = await generate([{ name: "commonName", value: host }], {
    keyType: "ec",
    curve: "P-256",
    algorithm: "sha256",
    notBeforeDate: new Date(now - BACKDATED_DAYS * DAY),
    notAfterDate: new Date(now + VALID_DAYS * DAY),
    extensions: [
      { name: "basicConstraints", cA: false },
      { name: "keyUsage", digitalSignature: true },
      { name: "extKeyUsage", serverAuth: true },
      { name: "subjectAltName", altNames: [isIP(host) ? { type: 7, ip: host } : { type: 2, value: host }] },
    ],
  });
  return { certificate: made.cert, key: made.private };
}

function readPem(path: string, what: string, label: string): string {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new FarsiteError("E_CONFIG", `${what} ${path} cannot be read: ${reasonOf(error)}`);
  }
  if (!text.includes(label)) throw new FarsiteError("E_CONFIG", `${what} ${path} holds no PEM ${label}`);
  return text;
}

function checkPair(certificate: string, key: string, where: string): X509Certificate {
  try {
    const parsed = new X509Certificate(certificate);
    if (parsed.checkPrivateKey(createPrivateKey(key))) return parsed;
  } catch (error) {
    throw new FarsiteError("E_CONFIG", `${where}: not a usable certificate and key: ${reasonOf(error)}`);
  }
  throw new FarsiteError("E_CONFIG", `${where}: the key does not belong to the certificate`);
}

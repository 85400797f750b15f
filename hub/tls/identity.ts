/** The hub's own TLS certificate: from files, or made by itself at the first start. */
import { createHash, createPrivateKey, X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { FarsiteError, reasonOf } from "../../common/errors.ts";
import { writeSecretFile } from "../../common/files.ts";
import type { HubConfig } from "../config/index.ts";
import { type KeyedCertificate, selfSigned } from "./certificate.ts";

export interface TlsIdentity extends KeyedCertificate {
  /** SHA-256 of the certificate (DER), which agents are told when no authority vouches for it. */
  fingerprint: Uint8Array | undefined;
}

/** In the state directory: the hub's self-made certificate. */
export const CERTIFICATE_FILE = "tls-certificate.pem";

/** The identity to listen with, or undefined for plain HTTP. Throws E_CONFIG or E_STATE. */
export async function loadTls(config: HubConfig, stateDir: string): Promise<TlsIdentity | undefined> {
  const { tls, certificate, key } = config.listen;
  if (tls === "off") return undefined;
  if (tls === "files") {
    const { identity } = readPair(certificate ?? "", key ?? "", "listen.certificate", "listen.key");
    return { ...identity, fingerprint: undefined };
  }
  const certificatePath = join(stateDir, CERTIFICATE_FILE);
  const keyPath = join(stateDir, "tls-key.pem");
  if (!existsSync(certificatePath) || !existsSync(keyPath)) {
    const made = await selfSigned(hostOf(config.url), Date.now());
    writeSecretFile(keyPath, made.key);
    writeSecretFile(certificatePath, made.certificate);
  }
  const { identity, parsed } = readPair(certificatePath, keyPath, "the certificate", "its key");
  return { ...identity, fingerprint: createHash("sha256").update(parsed.raw).digest() };
}

/** Whether both are the same certificate with the same key. */
export function isSameIdentity(
  one: KeyedCertificate | undefined,
  other: KeyedCertificate | undefined,
): boolean {
  return one?.certificate === other?.certificate && one?.key === other?.key;
}

/** The name or address in the hub's URL. */
export function hostOf(url: string): string {
  return new URL(url).hostname.replace(/^\[|\]$/g, "");
}

/**
 * Reads a certificate, with its chain behind it, and its key. Throws E_CONFIG.
 * @param ofCertificate what the file is called where something is wrong with it: a key of the configuration
 */
export function readPair(
  certificatePath: string,
  keyPath: string,
  ofCertificate: string,
  ofKey: string,
): { identity: KeyedCertificate; parsed: X509Certificate } {
  const identity = {
    certificate: readPem(certificatePath, ofCertificate, "CERTIFICATE"),
    key: readPem(keyPath, ofKey, "PRIVATE KEY"),
  };
  const where = `${ofCertificate} ${certificatePath} and ${ofKey} ${keyPath}`;
  return { identity, parsed: checkPair(identity.certificate, identity.key, where) };
}

/** Reads certificates of authorities, all of which must be sound. Throws E_CONFIG. */
export function readAuthorities(path: string, what: string): string[] {
  const text = readPem(path, what, "CERTIFICATE");
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (found.length === 0) throw new FarsiteError("E_CONFIG", `${what} ${path} holds no whole certificate`);
  for (const [at, one] of found.entries()) {
    try {
      new X509Certificate(one);
    } catch (error) {
      throw new FarsiteError(
        "E_CONFIG",
        `${what} ${path}: certificate ${at + 1} is damaged: ${reasonOf(error)}`,
      );
    }
  }
  return found;
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

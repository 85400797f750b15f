/** The certificates of viewers' endpoints: from files, or of an authority of the hub's own. */

import { X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { writeSecretFile } from "../../common/files.ts";
import type { Log } from "../../common/log.ts";
import { tlsOf, type ViewerConfig } from "../config/index.ts";
import {
  daysLeft,
  issue,
  type KeyedCertificate,
  makeAuthority,
  readAuthorities,
  readPair,
  vouchesFor,
} from "../tls/index.ts";
import { makeSecrets, type Secrets } from "./secure.ts";

export interface IdentityOptions {
  stateDir: string;
  /** Of the hub, as its URL has it: what its own certificate is for. */
  host: string;
  /** ms since the epoch. */
  wall: () => number;
  log: Log;
}

/** A certificate that somebody has to renew. */
export interface Expiring {
  /** Where it is configured, and its file. */
  key: string;
  file: string;
  certificate: X509Certificate;
}

/** In the state directory. Who trusts it trusts the hub's certificate for viewers, whatever that is. */
export const AUTHORITY_FILE = "viewer-authority.pem";
const AUTHORITY_KEY_FILE = "viewer-authority-key.pem";
const AUTHORITY = "the authority for viewers";
/** Days before its end from which on a certificate is complained of. */
const SOON = 14;

export interface Identities {
  /** For each viewer with what it does TLS; undefined: not at all. */
  secrets: (Secrets | undefined)[];
  /** For each another text when its certificate or its authorities are other ones. */
  versions: string[];
  expiring: Expiring[];
}

/** Throws E_CONFIG or E_STATE. */
export async function loadIdentities(
  viewers: readonly ViewerConfig[],
  options: IdentityOptions,
): Promise<Identities> {
  const expiring: Expiring[] = [];
  let own: KeyedCertificate | undefined;
  const secrets: (Secrets | undefined)[] = [];
  const versions: string[] = [];
  for (const [at, viewer] of viewers.entries()) {
    const { certificate = "", key = "", client_authorities } = viewer;
    const tls = tlsOf(viewer);
    if (tls === "off") {
      secrets.push(undefined);
      versions.push("");
      continue;
    }
    const keyOf = (name: keyof ViewerConfig) => `viewer.${at}.${name}`;
    let identity: KeyedCertificate;
    if (tls === "files") {
      const pair = readPair(certificate, key, keyOf("certificate"), keyOf("key"));
      identity = pair.identity;
      expiring.push({ key: keyOf("certificate"), file: certificate, certificate: pair.parsed });
    } else {
      own ??= await ownCertificate(options, expiring);
      identity = own;
    }
    const authorities =
      client_authorities === undefined
        ? undefined
        : readAuthorities(client_authorities, keyOf("client_authorities"));
    for (const text of authorities ?? []) {
      const authority = { certificate: new X509Certificate(text), file: client_authorities ?? "" };
      expiring.push({ key: keyOf("client_authorities"), ...authority });
    }
    secrets.push(makeSecrets(identity, authorities));
    // the hub's own is another one each time, which nobody has to notice
    versions.push(JSON.stringify([tls === "files" ? identity.certificate : options.host, authorities]));
  }
  return { secrets, versions, expiring };
}

/** A certificate that the hub issues at each start, so that nobody has to renew it. */
async function ownCertificate(
  { stateDir, host, wall, log }: IdentityOptions,
  expiring: Expiring[],
): Promise<KeyedCertificate> {
  const file = join(stateDir, AUTHORITY_FILE);
  const keyFile = join(stateDir, AUTHORITY_KEY_FILE);
  const known =
    existsSync(file) && existsSync(keyFile)
      ? readPair(file, keyFile, AUTHORITY, "its key").identity
      : undefined;
  const authority =
    known && vouchesFor(known, host)
      ? known
      : await makeAuthority(`Farsite viewers of ${host}`, host, wall());
  if (authority !== known) {
    writeSecretFile(keyFile, authority.key);
    writeSecretFile(file, authority.certificate);
    if (known)
      log.warn("the authority for viewers was for another host: viewers must trust the new one", {
        file,
        host,
      });
    else log.info("an authority for viewers was made: viewers must trust it", { file, host });
  }
  expiring.push({ key: AUTHORITY, file, certificate: new X509Certificate(authority.certificate) });
  return issue(authority, host, wall());
}

/** Complains of certificates that are soon no longer valid, or are not now. */
export function complainOfExpiry(expiring: readonly Expiring[], now: number, log: Log): void {
  for (const { key, file, certificate } of expiring) {
    const left = daysLeft(certificate, now);
    const fields = { key, file, until: certificate.validToDate.toISOString() };
    if (left < 0) log.error("certificate has expired", fields);
    else if (certificate.validFromDate.getTime() > now)
      log.error("certificate is not valid yet", { ...fields, from: certificate.validFromDate.toISOString() });
    else if (left < SOON) log.warn("certificate expires soon", { ...fields, days: Math.floor(left) });
  }
}

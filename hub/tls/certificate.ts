/** Makes X.509 certificates (RFC 5280) for the hub itself. All keys are ECDSA with P-256. */

import { webcrypto, type X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
  X509Certificate as X509Maker,
} from "@peculiar/x509";
import { octetsOf } from "../../common/network.ts";

/** As PEM. */
export interface KeyedCertificate {
  certificate: string;
  key: string;
}

const DAY = 86_400_000;
// long: they are trusted one by one, and nothing renews them behind people's backs
const VALID_DAYS = 3650;
// clocks of customers' hosts may be behind; the handshake tells them so in better words than TLS does
const BACKDATED_DAYS = 7;
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
/** RFC 5280, A.1: ub-common-name. */
const LONGEST_NAME = 64;
/** RFC 5280, 4.2.1.10. */
const NAME_CONSTRAINTS = "2.5.29.30";

/**
 * A certificate of a server that nobody vouches for.
 * @param host a name, or an IP address
 * @param now ms since the epoch
 */
export async function selfSigned(host: string, now: number): Promise<KeyedCertificate> {
  const keys = await newKeys();
  const made = await X509CertificateGenerator.createSelfSigned({
    name: nameOf(host),
    ...validity(now),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: forServer(host),
  });
  return { certificate: pem(made), key: await privatePem(keys) };
}

/** An authority that can vouch for one host only, so that those who trust it need not trust it with more. */
export async function makeAuthority(name: string, host: string, now: number): Promise<KeyedCertificate> {
  const keys = await newKeys();
  const made = await X509CertificateGenerator.createSelfSigned({
    name: nameOf(name),
    ...validity(now),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      new Extension(NAME_CONSTRAINTS, true, onlyFor(host)),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: pem(made), key: await privatePem(keys) };
}

/** Whether an authority that was made here can vouch for a host. */
export function vouchesFor({ certificate }: KeyedCertificate, host: string): boolean {
  const constraints = new X509Maker(certificate).getExtension(NAME_CONSTRAINTS);
  return constraints !== null && onlyFor(host).equals(Buffer.from(constraints.value));
}

/** A certificate of a server that an authority vouches for, with that authority's behind it. */
export async function issue(
  authority: KeyedCertificate,
  host: string,
  now: number,
): Promise<KeyedCertificate> {
  const keys = await newKeys();
  const own = new X509Maker(authority.certificate);
  const { notBefore, notAfter } = validity(now);
  const last = Math.min(notAfter.getTime(), own.notAfter.getTime());
  const made = await X509CertificateGenerator.create({
    // a name with a space is not taken for a host's, which the authority might not vouch for
    subject: nameOf("Farsite hub"),
    issuer: own.subject,
    notBefore,
    notAfter: new Date(last),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: await privateKey(authority.key),
    extensions: [
      ...forServer(host),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      // without it Python 3.13 and others who are strict do not take it
      await AuthorityKeyIdentifierExtension.create(own),
    ],
  });
  return { certificate: `${pem(made)}${authority.certificate}`, key: await privatePem(keys) };
}

/** Days until a certificate expires; negative: since when it has. */
export function daysLeft({ validToDate }: X509Certificate, now: number): number {
  return (validToDate.getTime() - now) / DAY;
}

function newKeys(): Promise<CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]) as Promise<CryptoKeyPair>;
}

function nameOf(commonName: string): { CN: string[] }[] {
  return [{ CN: [commonName.slice(0, LONGEST_NAME)] }];
}

function validity(now: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(now - BACKDATED_DAYS * DAY), notAfter: new Date(now + VALID_DAYS * DAY) };
}

function forServer(host: string): Extension[] {
  return [
    new BasicConstraintsExtension(false),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
    new SubjectAlternativeNameExtension([{ type: isIP(host) ? "ip" : "dns", value: host }]),
  ];
}

/** Names that an authority may vouch for: one, and none of the other kind. */
function onlyFor(host: string): Buffer {
  const address = octetsOf(host);
  const subtree = (tag: number, base: Buffer) => der(0x30, der(tag, base));
  const [DNS, IP] = [0x82, 0x87];
  const permitted = address
    ? subtree(IP, Buffer.concat([address, Buffer.alloc(address.length, 0xff)]))
    : subtree(DNS, Buffer.from(host));
  const everyAddress = [8, 32].map((length) => subtree(IP, Buffer.alloc(length)));
  const excluded = address ? [subtree(DNS, Buffer.alloc(0))] : everyAddress;
  return der(0x30, der(0xa0, permitted), der(0xa1, ...excluded));
}

/** One value in DER (X.690): tag, length, contents. */
function der(tag: number, ...parts: Buffer[]): Buffer {
  const contents = Buffer.concat(parts);
  const { length } = contents;
  const head =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...head]), contents]);
}

function pem(made: X509Maker): string {
  return `${made.toString("pem")}\n`;
}

async function privatePem({ privateKey }: CryptoKeyPair): Promise<string> {
  const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", privateKey);
  return `${PemConverter.encode(pkcs8, "PRIVATE KEY")}\n`;
}

function privateKey(text: string): Promise<CryptoKey> {
  const [pkcs8] = PemConverter.decode(text);
  return webcrypto.subtle.importKey("pkcs8", pkcs8 as ArrayBuffer, ALGORITHM, false, [
    "sign",
  ]) as Promise<CryptoKey>;
}

/** IP addresses and networks, of both families. */

import { isIP } from "node:net";

/** An address as a number. One of IPv4 that is written as IPv6 (::ffff:192.0.2.1) is one of IPv4. */
export interface Ip {
  family: 4 | 6;
  value: bigint;
}

export interface Network extends Ip {
  /** Bits that all its addresses have in common, from the left. */
  length: number;
}

const BITS = { 4: 32, 6: 128 } as const;
/** What stands before an IPv4 address that is mapped into IPv6 (RFC 4291, 2.5.5.2). */
const MAPPED = 0xffffn;

/** Undefined: not an address. A zone (fe80::1%eth0) does not count. */
export function parseIp(text: string): Ip | undefined {
  const [bare = ""] = text.split("%");
  const family = isIP(bare);
  if (family === 4) return { family, value: octets(bare) };
  if (family !== 6) return undefined;
  const value = groups(bare);
  return value >> 32n === MAPPED ? { family: 4, value: value & 0xffff_ffffn } : { family, value };
}

function octets(text: string): bigint {
  return text.split(".").reduce((value, octet) => (value << 8n) | BigInt(octet), 0n);
}

function groups(text: string): bigint {
  // the last 32 bits may be written as IPv4
  const hex = text.replace(/[\d.]+\.[\d.]+$/, (dotted) => {
    const value = octets(dotted);
    return `${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;
  });
  const [before = [], after = []] = hex.split("::").map((part) => part.split(":").filter(Boolean));
  const zeros = Array<string>(8 - before.length - after.length).fill("0");
  return [...before, ...zeros, ...after].reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n);
}

/** As people know it: one of IPv4 that came to a socket of IPv6 (::ffff:192.0.2.1) without what stands before it. */
export function shownAddress(text: string): string {
  return text.replace(/^::ffff:(?=\d+\.)/i, "");
}

/** The 4 or 16 bytes of an address; undefined: not an address. */
export function octetsOf(text: string): Buffer | undefined {
  const address = parseIp(text);
  return address && Buffer.from(address.value.toString(16).padStart(BITS[address.family] / 4, "0"), "hex");
}

/** An address, or ADDRESS/LENGTH; undefined: neither, or bits are set behind the length. */
export function parseNetwork(text: string): Network | undefined {
  const [written = "", length, more] = text.split("/");
  const address = parseIp(written);
  if (!address || more !== undefined || written.includes("%")) return undefined;
  const bits = BITS[address.family];
  if (length === undefined) return { ...address, length: bits };
  // of a mapped address nobody can say whether the length is meant for 32 bits or for 128
  if (!/^\d{1,3}$/.test(length) || Number(length) > bits || written.includes(":") !== (address.family === 6))
    return undefined;
  const network = { ...address, length: Number(length) };
  return prefix(network, network.length) << BigInt(bits - network.length) === network.value
    ? network
    : undefined;
}

function prefix({ family, value }: Ip, length: number): bigint {
  return value >> BigInt(BITS[family] - length);
}

/** Whether an address is in a network; one of IPv4 never is in one of IPv6. */
export function contains(network: Network, address: Ip): boolean {
  return (
    network.family === address.family && prefix(network, network.length) === prefix(address, network.length)
  );
}

/** Whether nobody but this host itself can reach an address. */
export function isLoopbackIp({ family, value }: Ip): boolean {
  return family === 4 ? value >> 24n === 127n : value === 1n;
}

/** Whether it stands for every address of the host (0.0.0.0, ::). */
export function isWildcardIp({ value }: Ip): boolean {
  return value === 0n;
}

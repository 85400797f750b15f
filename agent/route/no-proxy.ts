/**
 * NO_PROXY: what is reached without the proxy that the environment names. There is no standard; this is what
 * curl and Go's net/http agree on, as far as they do:
 *
 *     example.com, .example.com, *.example.com   that name and every name below it
 *     192.0.2.7, 2001:db8::7, [2001:db8::7]      that address, where the URL has an address
 *     192.0.2.0/24, 2001:db8::/32                an address within
 *     ...:8443                                   any of the first two, at that port only
 *     *                                          everything
 */
import { BlockList, isIP } from "node:net";
import type { Address } from "./tcp.ts";

/** Whether `list`, separated by commas or spaces, names this address. Names are not resolved for it. */
export function isExempt(list: string, { host, port }: Address): boolean {
  const name = host.toLowerCase().replace(/\.$/, "");
  return list.split(/[\s,]+/).some((entry) => entry !== "" && matches(entry.toLowerCase(), name, port));
}

function matches(entry: string, name: string, port: number): boolean {
  if (entry === "*") return true;
  const prefix = /^(.+)\/(\d{1,3})$/.exec(entry);
  if (prefix) return isWithin(name, prefix[1] as string, Number(prefix[2]));
  // an IPv6 address without brackets has colons that begin no port
  const [, bracketed, plain, wanted] =
    isIP(entry) === 6 ? ["", entry] : (/^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(entry) ?? []);
  const pattern = bracketed ?? plain;
  if (pattern === undefined || (wanted !== undefined && Number(wanted) !== port)) return false;
  const version = isIP(pattern);
  if (version !== 0) return isWithin(name, pattern, version === 6 ? 128 : 32);
  const domain = pattern.replace(/^\*?\./, "").replace(/\.$/, "");
  return domain !== "" && (name === domain || (isIP(name) === 0 && name.endsWith(`.${domain}`)));
}

function isWithin(address: string, network: string, bits: number): boolean {
  const [version, other] = [isIP(network), isIP(address)];
  if (version === 0 || version !== other || bits > (version === 6 ? 128 : 32)) return false;
  const family = version === 6 ? "ipv6" : "ipv4";
  const list = new BlockList();
  list.addSubnet(network, bits, family);
  return list.check(address, family);
}

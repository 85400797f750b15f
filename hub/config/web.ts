/** What hub.toml says of the web interface: `[web]`. Without the table there is none. */

import { z } from "zod";
import { portNumber } from "../../common/names.ts";
import { isLoopbackIp, isWildcardIp, parseIp, parseNetwork } from "../../common/network.ts";
import { oidcConfig } from "../access/index.ts";

const network = z
  .string()
  .refine(
    (text) => parseNetwork(text) !== undefined,
    'an address or a network with no bits behind its length, such as "192.0.2.7" or "2001:db8::/48"',
  );

const publicUrl = z
  .string()
  .regex(/^https:\/\/[^/?#@\s]+$/, {
    error: "https://HOST or https://HOST:PORT, without a path",
    abort: true,
  })
  .refine((url) => URL.canParse(url), "a valid URL");

export const webConfig = z
  .strictObject({
    /** An IP address of this host. */
    address: z
      .string()
      .refine((text) => parseIp(text) !== undefined, "an IP address")
      .default("127.0.0.1"),
    port: portNumber.default(8443),
    tls: z.enum(["hub", "files", "off"]).default("hub"),
    certificate: z.string().optional(),
    key: z.string().optional(),
    /** How browsers reach it. */
    url: publicUrl.optional(),
    /** Who may come; others are turned away before anything else. */
    only_from: z.array(network).min(1).optional(),
    /** KiB of a request's body. */
    largest_request_kib: z.int().min(1).max(1024).default(64),
    /** Web sessions at once, of all users, and of one; when there are more, the oldest end. */
    sessions: z.int().min(1).max(100_000).default(1000),
    sessions_per_user: z.int().min(1).max(1000).default(20),
    /** Minutes without a request after which a session ends. */
    session_idle_minutes: z.number().min(1).max(525_600).default(720),
    /** Hours after which it ends in any case. */
    session_hours: z.number().min(0.1).max(8760).default(24),
    /** Failed logins with one name after which it is locked for some minutes. */
    login_failures: z.int().min(1).max(1000).default(10),
    login_lock_minutes: z.number().min(0.1).max(1440).default(15),
    /** Failed logins of one address in a minute; then it is turned away until the minute is over. */
    login_failures_per_address: z.int().min(1).max(100_000).default(30),
    /** Logging in through an OpenID provider; without it there are local users only. */
    oidc: oidcConfig.optional(),
  })
  .superRefine((value, context) => {
    const expected = (path: string, input: unknown, message: string) =>
      void context.addIssue({ code: "custom", path: [path], input, message });
    const address = parseIp(value.address);
    for (const name of ["certificate", "key"] as const) {
      if (value.tls === "files" && value[name] === undefined)
        expected(name, undefined, 'a PEM file with tls = "files"');
      if (value.tls !== "files" && value[name] !== undefined)
        expected(name, value[name], 'nothing without tls = "files"');
    }
    if (value.tls === "off" && address && !isLoopbackIp(address))
      expected("address", value.address, 'a loopback address with tls = "off": it is for a reverse proxy');
    if (value.url === undefined && value.oidc)
      expected("url", undefined, "how browsers reach it: the OpenID provider sends them back there");
    else if (value.url === undefined && address && isWildcardIp(address))
      expected("url", undefined, `how browsers reach it, since ${value.address} is no address of its own`);
  });
export type WebConfig = z.output<typeof webConfig>;

/** Where browsers find it. With TLS left to a reverse proxy on this host and no URL, plain HTTP on this host. */
export function webUrl({ url, tls, address, port }: WebConfig): string {
  const host = address.includes(":") ? `[${address}]` : address;
  return url ?? `${tls === "off" ? "http" : "https"}://${host}:${port}`;
}

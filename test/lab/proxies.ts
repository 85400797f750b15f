/** Real HTTP proxies, Squid and Tinyproxy, each on a port of its own and with the rules that a test wants. */
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import type { Cleanup } from "./cleanup.ts";
import { scratchDirectory } from "./cleanup.ts";
import { attempt } from "./command.ts";
import { isRoot } from "./debian.ts";
import { freePort } from "./farsite.ts";
import { type LabProcess, launch } from "./process.ts";

/** What {@link startSquid} and {@link startTinyproxy} need to be installed. */
export const PROXY_PACKAGES = ["squid", "tinyproxy"];

export const PROXY_USER = "monitoring";
export const PROXY_PASSWORD = "open sesame, or not?";
/** The same for Squid's Basic helper, as `openssl passwd -apr1` makes it. */
const PASSWORD_CRYPT = "$apr1$farsite1$8lHgjdagCvPl1KCd73R0z/";
const REALM = "the lab's proxy";

/** Neither program may run as root; both work as anybody. */
const NOBODY = { uid: 65_534, gid: 65_534 };

export interface ProxyOptions {
  auth: "none" | "basic" | "digest";
  /** The only port to which CONNECT is allowed. Default: any. */
  onlyPort?: number;
  cleanup: Cleanup;
  /** Where it listens. Default: a free port of 127.0.0.1. */
  listen?: { address: string; port: number };
  netns?: string;
}

export interface RealProxy {
  port: number;
  process: LabProcess;
}

export async function startSquid(options: ProxyOptions): Promise<RealProxy> {
  const folder = scratchDirectory(options.cleanup, "squid");
  const { address, port } = options.listen ?? { address: "127.0.0.1", port: await freePort() };
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const login = {
    none: [],
    basic: [
      `auth_param basic program /usr/lib/squid/basic_ncsa_auth ${write("basic", `${PROXY_USER}:${PASSWORD_CRYPT}\n`)}`,
      "auth_param basic children 1",
      `auth_param basic realm ${REALM}`,
    ],
    digest: [
      `auth_param digest program /usr/lib/squid/digest_file_auth -c ${write("digest", digestLine())}`,
      "auth_param digest children 1",
      `auth_param digest realm ${REALM}`,
    ],
  }[options.auth];
  const file = write(
    "squid.conf",
    [
      `http_port ${address}:${port}`,
      "pid_filename none",
      "cache deny all",
      "cache_log /dev/null",
      "access_log none",
      `coredump_dir ${folder}`,
      "pinger_enable off",
      "visible_hostname squid.example",
      "shutdown_lifetime 0 seconds",
      "max_filedescriptors 1024",
      ...login,
      // no test asks a name server
      "dns_nameservers 127.0.0.1",
      "dns_timeout 1 second",
      `acl allowed_ports port ${options.onlyPort ?? "1-65535"}`,
      "http_access deny !allowed_ports",
      ...(login.length === 0
        ? ["http_access allow all"]
        : ["acl known proxy_auth REQUIRED", "http_access allow known"]),
      "http_access deny all",
      "",
    ].join("\n"),
  );
  return start("squid", ["squid", "-N", "-f", file], { address, port }, options);
}

/** As htdigest(1) writes it. */
function digestLine(): string {
  const key = createHash("md5").update(`${PROXY_USER}:${REALM}:${PROXY_PASSWORD}`).digest("hex");
  return `${PROXY_USER}:${REALM}:${key}\n`;
}

export async function startTinyproxy(options: ProxyOptions): Promise<RealProxy> {
  const folder = scratchDirectory(options.cleanup, "tinyproxy");
  const { address, port } = options.listen ?? { address: "127.0.0.1", port: await freePort() };
  if (options.auth === "digest") throw new Error("Tinyproxy knows Basic only");
  const file = join(folder, "tinyproxy.conf");
  writeFileSync(
    file,
    [
      `Port ${port}`,
      `Listen ${address}`,
      "Timeout 600",
      "MaxClients 50",
      // its configuration has no way to quote a password with spaces
      ...(options.auth === "basic" ? [`BasicAuth ${PROXY_USER} ${TINYPROXY_PASSWORD}`] : []),
      ...(options.onlyPort === undefined ? [] : [`ConnectPort ${options.onlyPort}`]),
      "",
    ].join("\n"),
  );
  return start("tinyproxy", ["tinyproxy", "-d", "-c", file], { address, port }, options);
}

export const TINYPROXY_PASSWORD = "opensesame";

async function start(
  label: string,
  argv: string[],
  at: { address: string; port: number },
  { cleanup, netns }: ProxyOptions,
): Promise<RealProxy> {
  const process = await launch(argv, {
    label,
    cleanup,
    netns,
    ...(isRoot() && { user: NOBODY }),
    ready: () => (netns === undefined ? accepts(at) : listens(netns, at.port)),
  });
  return { port: at.port, process };
}

function listens(netns: string, port: number): boolean {
  const listing = attempt(["ip", "netns", "exec", netns, "ss", "-Hltn", `sport = :${port}`]);
  return listing.ok && listing.stdout !== "";
}

function accepts({ address, port }: { address: string; port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, address);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

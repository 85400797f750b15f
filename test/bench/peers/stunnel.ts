/**
 * stunnel at both ends: TLS with a P-256 certificate that is verified. The hub's side takes plain
 * connections and makes a TLS connection of each; the agent's side stands before the core. (So it needs
 * an open port at the agent's side, which the others do not; it is here as the plainest TLS tunnel.)
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { selfSigned } from "../../../hub/tls/index.ts";
import { answers, freePort, type Peer, programPath } from "./peer.ts";

const COMMON = [
  "foreground = yes",
  "pid =", // no pid file
  "debug = 3", // errors
  "socket = a:TCP_NODELAY=1",
  "socket = l:TCP_NODELAY=1",
  "socket = r:TCP_NODELAY=1",
  "[bench]",
];

export const stunnel: Peer = {
  name: "stunnel",
  async start({ hub: hubSide, agent: agentSide, core, folder: base, load, scope }) {
    const program = programPath("stunnel4", "stunnel4");
    const folder = join(base, "stunnel");
    mkdirSync(folder);
    const write = (name: string, lines: readonly string[]): string => {
      const path = join(folder, name);
      writeFileSync(path, `${lines.join("\n")}\n`, { mode: 0o600 });
      return path;
    };
    const pair = await selfSigned("farsite-bench", Date.now());
    const certificate = write("certificate.pem", [pair.certificate]);
    const key = write("key.pem", [pair.key]);
    const [plain, encrypted] = [await freePort(), await freePort()];

    const agent = scope.start([
      ...agentSide.within,
      program,
      write("agent.conf", [
        ...COMMON,
        `accept = ${agentSide.address}:${encrypted}`,
        `connect = ${core.host}:${core.port}`,
        `cert = ${certificate}`,
        `key = ${key}`,
      ]),
    ]);
    const hub = scope.start([
      ...hubSide.within,
      program,
      write("hub.conf", [
        ...COMMON,
        "client = yes",
        `accept = 127.0.0.1:${plain}`,
        `connect = ${agentSide.address}:${encrypted}`,
        `CAfile = ${certificate}`,
        "verifyChain = yes",
      ]),
    ]);

    const target = { host: "127.0.0.1", port: plain, within: hubSide.within };
    await answers(load, target, [hub, agent]);
    // a connection of its own for each client: bulk needs no other port
    return { target, bulk: target, sides: { hub, agent } };
  },
};

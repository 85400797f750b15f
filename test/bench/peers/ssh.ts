/**
 * OpenSSH remote forwarding, the other way to reach a service over one outbound connection: the agent's
 * side runs `ssh -R`, the hub's side `sshd`. Keys, configuration and the port are its own.
 */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Scope } from "../scope.ts";
import { answers, freePort, listens, type Peer, programPath } from "./peer.ts";

/** Where sshd, run as root, confines its unprivileged part. The path is compiled in. */
const PRIVILEGE_SEPARATION_FOLDER = "/run/sshd";

function provideFolder(scope: Scope): void {
  if (process.getuid?.() !== 0 || existsSync(PRIVILEGE_SEPARATION_FOLDER)) return;
  mkdirSync(PRIVILEGE_SEPARATION_FOLDER, { mode: 0o755 });
  scope.atEnd(() => rmdirSync(PRIVILEGE_SEPARATION_FOLDER));
}

export const ssh: Peer = {
  name: "ssh",
  async start({ hub: hubSide, agent: agentSide, core, folder: base, load, scope }) {
    const sshd = programPath("sshd", "openssh-server");
    const client = programPath("ssh", "openssh-client");
    const keygen = programPath("ssh-keygen", "openssh-client");
    provideFolder(scope);
    const folder = join(base, "ssh");
    mkdirSync(folder);
    const file = (name: string): string => join(folder, name);
    for (const key of ["host", "user"]) {
      await scope.run([keygen, "-q", "-t", "ed25519", "-N", "", "-C", "farsite-bench", "-f", file(key)]);
    }
    const [port, forwarded, forwardedBulk] = [await freePort(), await freePort(), await freePort()];

    writeFileSync(
      file("sshd_config"),
      [
        `ListenAddress ${hubSide.address}:${port}`,
        `HostKey ${file("host")}`,
        `AuthorizedKeysFile ${file("user.pub")}`,
        "AuthenticationMethods publickey",
        "PermitRootLogin prohibit-password",
        "StrictModes no", // the keys lie in a temporary folder
        "UsePAM no",
        "PidFile none",
        "PrintMotd no",
        "PrintLastLog no",
        "LogLevel ERROR",
        "",
      ].join("\n"),
    );
    const hub = scope.start([...hubSide.within, sshd, "-D", "-e", "-f", file("sshd_config")]);
    await listens(hub, port);

    const hostKey = readFileSync(file("host.pub"), "utf8");
    writeFileSync(file("known_hosts"), `[${hubSide.address}]:${port} ${hostKey}`);
    const user = (await scope.run(["id", "-un"])).trim();
    const options = [
      "BatchMode=yes",
      "ExitOnForwardFailure=yes",
      "IdentitiesOnly=yes",
      "LogLevel=ERROR",
      "StrictHostKeyChecking=yes",
      `UserKnownHostsFile=${file("known_hosts")}`,
    ];
    const agent = scope.start([
      ...[...agentSide.within, client, "-F", "none", "-e", "none", "-i", file("user"), "-p", String(port)],
      ...options.flatMap((option) => ["-o", option]),
      // only with a terminal does ssh set TCP_NODELAY; without, an answer now and then takes 43 ms
      "-tt",
      ...[forwarded, forwardedBulk].flatMap((at) => ["-R", `127.0.0.1:${at}:${core.host}:${core.port}`]),
      ...[`${user}@${hubSide.address}`, "cat"],
    ]);

    const target = { host: "127.0.0.1", port: forwarded, within: hubSide.within };
    await answers(load, target, [hub, agent]);
    return { target, bulk: { ...target, port: forwardedBulk }, sides: { hub, agent } };
  },
};

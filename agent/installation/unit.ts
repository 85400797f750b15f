/** The service that the package installs, where systemd runs it. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import type { Places } from "../../common/command/index.ts";

export const UNIT = "farsite-agent.service";
/** Where the unit keeps state and sockets: whoever names others means another agent than that. */
const STATE_DIR = "/var/lib/farsite-agent";
const RUN_DIR = "/run/farsite-agent";
const CONFIG = "/etc/farsite/agent.toml";
/** There while systemd runs the host (sd_booted(3)). */
const BOOTED = "/run/systemd/system";
/** ms for systemctl: a service that does not get ready is given up after 30 s by its unit. */
const PATIENCE = 45_000;

/** Whether these are the places of the service, and this is root, who may start it. */
export function isInstalled({ config, stateDir, runDir }: Places): boolean {
  return process.getuid?.() === 0 && config === CONFIG && stateDir === STATE_DIR && runDir === RUN_DIR;
}

/** How starting the service came out. */
export type Start =
  | { kind: "started" }
  /** There is no systemd, or it has no such unit. */
  | { kind: "none" }
  | { kind: "failed"; reason: string };

/**
 * Starts the service, now and with every boot; one that runs starts anew. Comes back when it is ready, and blocks until
 * then: nothing else is to be done meanwhile.
 */
export function startUnit(): Start {
  if (!existsSync(BOOTED) || !systemctl("cat", UNIT).ok) return { kind: "none" };
  for (const verb of ["enable", "restart"]) {
    const { ok, says } = systemctl(verb, UNIT);
    if (!ok) return { kind: "failed", reason: `systemctl ${verb} ${UNIT}: ${says}` };
  }
  return { kind: "started" };
}

function systemctl(...words: string[]): { ok: boolean; says: string } {
  // the token may be in the environment, and is nobody else's business
  const env = { PATH: process.env.PATH ?? "/usr/sbin:/usr/bin:/sbin:/bin" };
  const { status, stderr, error } = spawnSync("systemctl", words, {
    encoding: "utf8",
    env,
    timeout: PATIENCE,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const says = error ? error.message : (stderr?.trim().replaceAll("\n", " ") ?? "");
  return { ok: status === 0, says: says === "" ? `ended with ${status}` : says };
}

/** Who runs the command line, for the audit. */
import { spawnSync } from "node:child_process";

/** The user behind sudo, if it is that; else the one the process runs as, by number where that has no name. */
export function adminName(): string {
  const uid = process.getuid?.();
  if (uid === 0 && process.env.SUDO_USER) return process.env.SUDO_USER;
  // Bun's userInfo() takes the name from the environment, which a timer or a container does not set
  const { status, stdout } = spawnSync("id", ["-un"], { encoding: "utf8", timeout: 5_000 });
  const name = status === 0 ? stdout.trim() : "";
  return name === "" ? `uid ${uid}` : name;
}

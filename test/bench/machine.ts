/** Where and of what the figures are. */
import { spawnSync } from "node:child_process";
import { cpus, release, type } from "node:os";

/** Processor, cores, kernel and Bun, in one line. */
export function machine(): string {
  const cores = cpus();
  const model = cores[0]?.model.trim() ?? "unknown processor";
  return `${model}, ${cores.length} cores, ${type()} ${release()}, Bun ${Bun.version}`;
}

/** The commit checked out, with `-dirty` behind it where files differ from it. */
export function commit(): string {
  const git = (...words: string[]) => spawnSync("git", words, { cwd: import.meta.dir, encoding: "utf8" });
  const head = git("rev-parse", "--short=12", "HEAD");
  if (head.status !== 0) return "unknown";
  return head.stdout.trim() + (git("status", "--porcelain").stdout.trim() ? "-dirty" : "");
}

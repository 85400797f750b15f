/** Short commands of the system, run to their end. For anything that takes longer, see process.ts. */
import { spawnSync } from "node:child_process";

export interface CommandResult {
  ok: boolean;
  stdout: string;
  stderr: string;
}

const LIMIT_MS = 20_000;

/**
 * Runs `argv` and waits for it; blocks the event loop meanwhile, so only for commands that take
 * milliseconds. A command that is not there, is killed, or runs longer than the limit, 20 s if not given, counts as
 * failed.
 */
export function attempt(argv: readonly string[], input = "", limitMs = LIMIT_MS): CommandResult {
  const [program = "", ...args] = argv;
  const done = spawnSync(program, args, {
    input,
    encoding: "utf8",
    timeout: limitMs,
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, LC_ALL: "C" },
  });
  const stderr = done.error === undefined ? done.stderr : done.error.message;
  return { ok: done.error === undefined && done.status === 0, stdout: done.stdout ?? "", stderr };
}

/** As {@link attempt}, but gives what the command printed, or throws with what it complained of. */
export function command(argv: readonly string[], input = ""): string {
  const done = attempt(argv, input);
  if (!done.ok) throw new Error(`${argv.join(" ")}: ${(done.stderr || done.stdout).trim() || "failed"}`);
  return done.stdout;
}

/** Runs a program, without a shell, to its end or until its time is over. */
import { spawn } from "node:child_process";
import type { Clock } from "../../../common/clock.ts";
import { printable } from "../../../common/text.ts";

/** Characters of a program's output that are kept. */
const MAX_OUTPUT = 500;

export interface Outcome {
  /** Exit status; undefined when a signal or the time ended it. */
  code: number | undefined;
  output: string;
}

export interface RunOptions {
  /** Variables beside PATH and LANG. */
  env?: Record<string, string>;
  clock: Clock;
  /** ms. */
  timeout: number;
}

/** Rejects when it cannot be started. */
export function run(
  [program = "", ...args]: readonly string[],
  { env, clock, timeout }: RunOptions,
): Promise<Outcome> {
  const child = spawn(program, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH ?? "/usr/bin:/bin", LANG: "C.UTF-8", ...env },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(0, MAX_OUTPUT);
    });
  }
  const timer = clock.after(timeout, () => child.kill("SIGKILL"));
  return new Promise<Outcome>((resolve, reject) => {
    child.once("error", reject);
    // not "close": what it left running may keep its output open
    child.once("exit", (code) =>
      resolve({ code: code ?? undefined, output: printable(output.trim(), MAX_OUTPUT) }),
    );
  }).finally(() => timer.cancel());
}

/** For people: how it ended. */
export function outcomeText(program: string | undefined, { code, output }: Outcome): string {
  const how = code === undefined ? "did not end in time, or by a signal" : `ended with ${code}`;
  return `${program} ${how}${output === "" ? "" : `: ${output}`}`;
}

/** Programs that ask: real clients, and scripts around them. */
import { spawn } from "node:child_process";
import type { Target } from "../../lab/livestatus.ts";

/** ms after which a program is ended that should long be done. */
const LIMIT = 30_000;

/** A target as most programs take it. */
export function peer(target: Target): string {
  return "unix" in target ? target.unix : `${target.host}:${target.port}`;
}

/** A target as Checkmk and NagVis write it. */
export function socketUrl(target: Target): string {
  return "unix" in target ? `unix:${target.unix}` : `tcp:${target.host}:${target.port}`;
}

/** Runs a program with this on its standard input and gives what it printed; it must succeed and not complain. */
export function run(argv: readonly string[], input = ""): Promise<Buffer> {
  const [program = "", ...args] = argv;
  const child = spawn(program, args, { timeout: LIMIT, killSignal: "SIGKILL" });
  const printed: Buffer[] = [];
  let complaints = "";
  child.stdout.on("data", (chunk: Buffer) => void printed.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  child.stdin.on("error", () => {}).end(input);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      if (code === 0 && complaints === "") resolve(Buffer.concat(printed));
      else reject(new Error(`${argv.join(" ")} ended with ${signal ?? code}: ${complaints}`));
    });
  });
}

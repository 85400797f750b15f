/** `client.py`: Python's TLS, set up as Checkmk's GUI does. */
import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("client.py", import.meta.url));
/** ms after which it is ended. */
const LIMIT = 60_000;

export const hasPython = spawnSync("python3", ["-c", "import ssl"]).status === 0;
if (!hasPython) console.warn("LEFT OUT: viewers with Python's TLS: python3 is not installed");

/** See client.py. */
export interface PythonOptions {
  host: string;
  port: number;
  source?: string;
  ca?: string | undefined;
  certificate?: string;
  key?: string;
  verify?: boolean;
  strict?: boolean;
  tls12?: boolean;
  timeout?: number;
  format?: string;
  queries?: string[];
  raw?: string;
  half_close?: "notify" | "fin";
  stall?: number;
}

export interface PythonSaw {
  version?: string;
  answers?: { code: number; body: string }[];
  /** The first of what came, its length, and the SHA-256 of all of it. */
  text?: string;
  length?: number;
  sha256?: string;
  /** An error while it read; without one it takes what came for all there is. */
  broken?: string;
  /** Another error. */
  failed?: string;
}

export function python(options: PythonOptions): Promise<PythonSaw> {
  const child = spawn("python3", [PROGRAM], { timeout: LIMIT, killSignal: "SIGKILL" });
  const printed = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      printed[name] += text;
    });
  }
  child.stdin.on("error", () => {}).end(JSON.stringify(options));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve(JSON.parse(printed.stdout) as PythonSaw);
      else reject(new Error(`client.py ended with ${code}: ${printed.stderr}`));
    });
  });
}

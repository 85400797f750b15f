/** Programs of others, as clients. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { rows, type Target } from "../../lab/livestatus.ts";
import type { Stage } from "./stage.ts";

const PERL_CLIENT = fileURLToPath(new URL("client.pl", import.meta.url));
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

/**
 * Runs `client.pl`, and gives what it was given.
 * @param tls files: of the authority, and of a certificate of the client and its key
 */
export async function perl(
  at: string,
  keepalive: boolean,
  command: string,
  tls: readonly string[] = [],
): Promise<Record<string, unknown>> {
  const printed = await run(["perl", PERL_CLIENT, at, keepalive ? "1" : "0", command, ...tls]);
  return JSON.parse(printed.toString()) as Record<string, unknown>;
}

/** A command that changes nothing of what the client asks for. */
export function remark({ site }: Stage, text: string): string {
  return `COMMAND [${Math.floor(Date.now() / 1_000)}] PROCESS_HOST_CHECK_RESULT;${site.hosts[0]?.name};0;${text}`;
}

/** The remark that the core has. */
export async function remarked({ core, site }: Stage): Promise<unknown> {
  const [row] = await rows(core, `GET hosts\nColumns: plugin_output\nFilter: name = ${site.hosts[0]?.name}`);
  return row?.[0];
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

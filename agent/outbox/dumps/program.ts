/** What a program prints, run without a shell as the agent's user, within a time and a size. */
import { type ChildProcess, spawn } from "node:child_process";
import type { Clock } from "../../../common/clock.ts";
import { reasonOf } from "../../../common/errors.ts";
import { printable } from "../../../common/text.ts";

/** Bytes that a program may print: as much as a core may answer. */
export const MAX_PRINTED = 64 << 20;
/** Characters of its complaints that are shown. */
const MAX_COMPLAINT = 200;

export interface ProgramOptions {
  command: readonly string[];
  clock: Clock;
  /** ms until it must have ended. */
  timeout: number;
  /** Bytes that it may print. */
  most?: number;
}

export class Program {
  #end: ((reason: string) => void) | undefined;

  constructor(private readonly options: ProgramOptions) {}

  /** Runs it once, and gives what it printed. Throws an Error, with a reason for people, unless it ends with 0. */
  run(): Promise<Buffer> {
    const { command, clock, timeout, most = MAX_PRINTED } = this.options;
    const [program = "", ...args] = command;
    return new Promise((resolve, reject) => {
      const child = spawn(program, args, {
        stdio: ["ignore", "pipe", "pipe"],
        // what it starts ends with it
        detached: true,
        // secrets among the agent's own variables are not for others
        env: { PATH: process.env.PATH ?? "/usr/bin:/bin", LANG: "C.UTF-8" },
      });
      const printed: Buffer[] = [];
      let length = 0;
      let complaint = "";
      const finish = (reason: string | undefined): void => {
        timer.cancel();
        this.#end = undefined;
        if (reason === undefined) return resolve(Buffer.concat(printed, length));
        killGroup(child);
        printed.length = 0;
        child.stdout.destroy();
        child.stderr.destroy();
        reject(new Error(`${program} ${reason}`));
      };
      this.#end = finish;
      const timer = clock.after(timeout, () => finish(`did not end within ${timeout / 1000} s`));
      child.stdout.on("data", (chunk: Buffer) => {
        length += chunk.length;
        if (length > most) finish(`printed more than ${most} bytes`);
        else printed.push(chunk);
      });
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        complaint = (complaint + text).slice(0, MAX_COMPLAINT);
      });
      child.once("error", (error) => finish(`cannot be run: ${reasonOf(error)}`));
      child.once("close", (code, signal) => {
        if (code === 0) return finish(undefined);
        const said = printable(complaint.trim(), MAX_COMPLAINT);
        finish(`ended with ${code ?? signal}${said === "" ? "" : `: ${said}`}`);
      });
    });
  }

  /** Ends what runs. */
  stop(): void {
    this.#end?.("was stopped");
  }
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // it has ended
  }
}

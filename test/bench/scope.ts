/**
 * Owns all that a benchmark run leaves on the machine: a folder, processes, and what else is to be undone.
 * Whichever way the run ends, ending the scope ends all of it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { isAlive, processTree } from "./procfs.ts";

const TERM_LIMIT_MS = 3000;
const KEPT_ERROR_CHARACTERS = 2000;

/** Ends a process also when this program is killed and cannot do it (prctl(2), PR_SET_PDEATHSIG). */
const DIE_WITH_PARENT = Bun.which("setpriv") ? ["setpriv", "--pdeathsig", "KILL", "--"] : [];

export interface Running {
  readonly pid: number;
  /** Settles with its first line of standard output; rejects if it ends without one. */
  readonly firstLine: Promise<string>;
  /** Rejects, saying why, once it has ended. Never resolves: it is raced against what it is needed for. */
  readonly gone: Promise<never>;
  ended(): boolean;
}

interface Started {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly ended: Promise<unknown>;
  readonly standardError: () => string;
}

export class Scope {
  /** A temporary folder, readable by this user only. */
  readonly folder = mkdtempSync(join(tmpdir(), "farsite-bench-"));
  #live = new Set<Started>();
  #undo: (() => void)[] = [];
  #ending = new AbortController();

  constructor() {
    // the last resort, when the program ends without having ended the scope
    process.on("exit", () => this.#endNow());
  }

  /** Aborted from the moment the scope begins to end. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  /** Runs `action` at the end, after all processes have gone. */
  atEnd(action: () => void): void {
    this.#undo.push(action);
  }

  /** Starts a process that runs until the scope ends. Its standard input stays open and empty. */
  start(words: readonly string[]): Running {
    const started = this.#spawn(words);
    const { child } = started;
    const gone = started.ended.then((): never => {
      throw failure(words, started);
    });
    const lines = createInterface({ input: child.stdout ?? process.stdin });
    const firstLine = Promise.race([once(lines, "line").then(([line]) => String(line)), gone]);
    for (const promise of [gone, firstLine]) promise.catch(() => {});
    return { pid: started.pid, firstLine, gone, ended: () => !this.#live.has(started) };
  }

  /**
   * Runs a command to its end and gives its standard output.
   * Throws with what it wrote to standard error when it fails or takes longer than `limitSeconds`.
   */
  async run(words: readonly string[], limitSeconds = 60): Promise<string> {
    const started = this.#spawn(words);
    let output = "";
    started.child.stdin?.end();
    started.child.stdout?.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
    const timer = setTimeout(() => signal(started.pid, "SIGKILL"), limitSeconds * 1000);
    await started.ended;
    clearTimeout(timer);
    if (started.child.exitCode !== 0) throw failure(words, started);
    return output;
  }

  #spawn(words: readonly string[]): Started {
    this.ending.throwIfAborted();
    const [command = "", ...args] = [...DIE_WITH_PARENT, ...words];
    // own process group: Ctrl-C reaches only this program, which then ends the others in order
    const child = spawn(command, args, { detached: true, stdio: "pipe", cwd: this.folder });
    let tail = "";
    child.stderr.setEncoding("utf8").on("data", (text) => {
      tail = (tail + text).slice(-KEPT_ERROR_CHARACTERS);
    });
    const ended = new Promise<void>((resolve) => {
      child.once("close", () => resolve());
      child.once("error", (error) => {
        tail += error.message;
        resolve();
      });
    });
    const started = { child, pid: child.pid ?? 0, ended, standardError: () => tail.trim() };
    this.#live.add(started);
    void ended.then(() => this.#live.delete(started));
    return started;
  }

  /** Ends every process, last started first, then undoes the rest. May be called more than once. */
  async end(): Promise<void> {
    this.#ending.abort();
    const live = [...this.#live].reverse();
    // some leave their group and outlast their parent for a moment (a session of sshd)
    const pids = live.flatMap(({ pid }) => (pid ? processTree(pid) : []));
    for (const { pid } of live) signal(pid, "SIGTERM");
    const limit = performance.now() + TERM_LIMIT_MS;
    while (pids.some(isAlive) && performance.now() < limit) await delay(20);
    this.#endNow(pids);
    await Promise.all(live.map(({ ended }) => ended));
  }

  #endNow(pids = [...this.#live].flatMap(({ pid }) => (pid ? processTree(pid) : []))): void {
    this.#ending.abort();
    for (const pid of pids.filter(isAlive)) kill(pid, "SIGKILL");
    for (const action of this.#undo.splice(0).reverse()) action();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function kill(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // it has gone by itself
  }
}

function signal(group: number, name: NodeJS.Signals): void {
  if (group > 0) kill(-group, name);
}

function failure([command = ""]: readonly string[], { child, standardError }: Started): Error {
  const how = child.signalCode ?? `status ${child.exitCode ?? "unknown"}`;
  return new Error(`${basename(command)} ended with ${how}: ${standardError() || "it gave no reason"}`);
}

/** Child processes of a lab: started, waited for until they are of use, and surely ended. */
import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { reasonOf } from "../../common/errors.ts";
import type { Cleanup } from "./cleanup.ts";
import { killAll, treeOf } from "./process-tree.ts";

export interface LaunchOptions {
  /** How messages call it; the program's name if not given. */
  label?: string;
  /** Network namespace to run in, by its full name. Needs root. */
  netns?: string | undefined;
  /** Numeric user and group to run as, with no further groups. Needs root. */
  user?: { uid: number; gid: number } | undefined;
  /**
   * The signal it gets when this process dies without a chance to clean up. KILL is certain, TERM is for
   * programs that have children of their own to take along.
   */
  onParentDeath?: "TERM" | "KILL" | "nothing";
  /** Added to this process's environment. */
  env?: Record<string, string>;
  cwd?: string;
  /** Polled until it says true; what it throws counts as "not yet". */
  ready?: (child: LabProcess) => boolean | Promise<boolean>;
  /** Milliseconds until `ready` must have said true. Default 15 000. */
  readyWithinMs?: number;
  /** Called with every line that the process prints. */
  onLine?: (line: string) => void;
  /** Where to register the end of the process. */
  cleanup?: Cleanup | undefined;
}

/** How a process ended: by itself with a code, or by a signal. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

const KEPT_OUTPUT = 256 * 1024;
const POLL_MS = 20;

/**
 * Starts `argv` and resolves when it is ready; rejects, with its output, when it ends before that or is not
 * ready in time (then it is killed).
 */
export async function launch(argv: readonly string[], options: LaunchOptions = {}): Promise<LabProcess> {
  const child = new LabProcess(argv, options);
  options.cleanup?.add(
    `stop ${child.label}`,
    () => child.stop(),
    () => child.kill(),
  );
  const { ready, readyWithinMs = 15_000 } = options;
  if (ready === undefined) return child;
  try {
    await waitFor(`${child.label} to be ready`, () => ready(child), { withinMs: readyWithinMs, child });
  } catch (thrown) {
    child.kill();
    await child.exited;
    throw new Error(`${reasonOf(thrown)}\n${child.output.trimEnd() || "(no output)"}`);
  }
  return child;
}

export class LabProcess {
  readonly label: string;
  readonly pid: number | undefined;
  /** Resolves when the process has ended and its output has been read. Never rejects. */
  readonly exited: Promise<Exit>;
  #exit: Exit | undefined;
  #output = "";

  constructor(argv: readonly string[], options: LaunchOptions) {
    const [program = "", ...args] = withSurroundings(argv, options);
    this.label = options.label ?? argv[0] ?? "";
    const child = spawn(program, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    this.pid = child.pid;
    this.#collect(child, options.onLine);
    this.exited = ended(child, (text) => this.#keep(text)).then((exit) => {
      this.#exit = exit;
      return exit;
    });
  }

  /** The last 256 KiB of what it has printed, standard output and standard error as they came. */
  get output(): string {
    return this.#output;
  }

  /** How it ended, or undefined while it runs. */
  get exit(): Exit | undefined {
    return this.#exit;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#exit === undefined && this.pid !== undefined) process.kill(this.pid, signal);
  }

  /** SIGTERM, and SIGKILL to it and all its descendants that are left when it has ended or time is up. */
  async stop(withinMs = 20_000): Promise<Exit> {
    if (this.#exit !== undefined || this.pid === undefined) return this.exited;
    const tree = treeOf(this.pid);
    if (tree.length > 0) this.signal("SIGTERM");
    const patience = new AbortController();
    const timeUp = delay(withinMs, undefined, { signal: patience.signal }).catch(() => undefined);
    await Promise.race([this.exited, timeUp]);
    patience.abort();
    killAll(this.#exit === undefined ? [...tree, ...treeOf(this.pid)] : tree);
    return this.exited;
  }

  /** SIGKILL to it and all its descendants, without waiting. */
  kill(): void {
    if (this.#exit === undefined && this.pid !== undefined) killAll(treeOf(this.pid));
  }

  #keep(text: string): void {
    this.#output = (this.#output + text).slice(-KEPT_OUTPUT);
  }

  #collect(child: ChildProcess, onLine: ((line: string) => void) | undefined): void {
    for (const stream of [child.stdout, child.stderr]) {
      let rest = "";
      stream?.setEncoding("utf8");
      stream?.on("data", (text: string) => {
        this.#keep(text);
        if (onLine === undefined) return;
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) onLine(line);
      });
    }
  }
}

/**
 * Polls `condition` until it says true; what it throws counts as "not yet" and is told when time is up.
 * @param what what is waited for, for the message
 * @param options `child`: give up at once when this process ends
 */
export async function waitFor(
  what: string,
  condition: () => boolean | Promise<boolean>,
  options: { withinMs: number; everyMs?: number; child?: LabProcess },
): Promise<void> {
  const { withinMs, everyMs = POLL_MS, child } = options;
  const deadline = performance.now() + withinMs;
  let obstacle = "";
  for (;;) {
    try {
      if (await condition()) return;
      obstacle = "";
    } catch (thrown) {
      obstacle = ` (${reasonOf(thrown)})`;
    }
    const exit = child?.exit;
    if (exit !== undefined) {
      throw new Error(`waiting for ${what}: it ended with ${exit.signal ?? `code ${exit.code}`}`);
    }
    if (performance.now() > deadline)
      throw new Error(`waiting for ${what}: not in ${withinMs} ms${obstacle}`);
    await delay(everyMs);
  }
}

/** `ip` and `setpriv` become the program (exec), so the process started is the program itself. */
function withSurroundings(argv: readonly string[], options: LaunchOptions): string[] {
  const { netns, user, onParentDeath = "KILL" } = options;
  const enter = netns === undefined ? [] : ["ip", "netns", "exec", netns];
  const settings: string[] = [];
  if (user !== undefined) settings.push(`--reuid=${user.uid}`, `--regid=${user.gid}`, "--clear-groups");
  // Asked for after the change of user, which would clear it (prctl(2), PR_SET_PDEATHSIG).
  if (onParentDeath !== "nothing") settings.push("--pdeathsig", onParentDeath);
  const optional = user === undefined && Bun.which("setpriv") === null;
  return [...enter, ...(settings.length === 0 || optional ? [] : ["setpriv", ...settings, "--"]), ...argv];
}

function ended(child: ChildProcess, keep: (text: string) => void): Promise<Exit> {
  return new Promise((resolve) => {
    child.once("error", (error) => {
      keep(`${error.message}\n`);
      resolve({ code: 127, signal: null }); // could not be started; the code a shell gives
    });
    child.once("close", (code, signal) => resolve({ code, signal }));
    // A descendant may hold the output open: do not wait for it for long.
    child.once("exit", (code, signal) => setTimeout(resolve, 200, { code, signal }));
  });
}

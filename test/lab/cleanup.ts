/**
 * Undo steps of a lab: run in reverse order when asked, when the process is told to stop (SIGINT, SIGTERM,
 * SIGHUP), and, as far as that can be done without waiting, when it exits in any other way.
 */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { reasonOf } from "../../common/errors.ts";

interface Step {
  what: string;
  undo: () => unknown;
  undoNow: () => void;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
type StopSignal = (typeof SIGNALS)[number];

export class Cleanup {
  readonly #steps: Step[] = [];

  /**
   * Registers an undo step. Steps may run more than once, so they must not mind having nothing to do.
   * @param what what the step undoes, for messages
   * @param undo may take its time
   * @param undoNow what is left of `undo` when nothing can be awaited any more; `undo` itself if not given
   */
  add(what: string, undo: () => unknown, undoNow: () => void = () => void undo()): void {
    this.#steps.push({ what, undo, undoNow });
    watch(this);
  }

  /** Runs all steps, the last one first; a failing step does not keep the others from running. */
  async run(): Promise<void> {
    const failures: Error[] = [];
    for (let step = this.#steps.at(-1); step !== undefined; step = this.#steps.at(-1)) {
      // Taken off only when done, so that an exit in the middle still runs its short form.
      try {
        await step.undo();
      } catch (thrown) {
        failures.push(new Error(`${step.what}: ${reasonOf(thrown)}`, { cause: thrown }));
      }
      const at = this.#steps.indexOf(step);
      if (at !== -1) this.#steps.splice(at, 1);
    }
    unwatch(this);
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) throw new AggregateError(failures, failures.map((f) => f.message).join("; "));
  }

  /** The short form of all steps, for the moment of exit. Complains on standard error, never throws. */
  runNow(): void {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        step.undoNow();
      } catch (thrown) {
        process.stderr.write(`lab: ${step.what}: ${reasonOf(thrown)}\n`);
      }
    }
    unwatch(this);
  }
}

/**
 * Makes an empty directory that every user may enter (a daemon that drops root must reach its files), and
 * registers its removal. Paths stay short: a Unix socket's path must fit 107 bytes.
 */
export function scratchDirectory(cleanup: Cleanup, label: string): string {
  const path = mkdtempSync(join(tmpdir(), `farsite-${label}-`));
  cleanup.add(`remove ${path}`, () => rmSync(path, { recursive: true, force: true }));
  chmodSync(path, 0o755);
  return path;
}

const watched = new Set<Cleanup>();
let stopping = false;

function watch(cleanup: Cleanup): void {
  if (watched.size === 0) {
    for (const signal of SIGNALS) process.on(signal, onSignal);
    process.on("exit", onExit);
  }
  watched.add(cleanup);
}

function unwatch(cleanup: Cleanup): void {
  if (!watched.delete(cleanup) || watched.size > 0) return;
  for (const signal of SIGNALS) process.off(signal, onSignal);
  process.off("exit", onExit);
}

function onExit(): void {
  for (const cleanup of [...watched].reverse()) cleanup.runNow();
}

async function onSignal(signal: StopSignal): Promise<void> {
  if (stopping) process.exit(128 + constants.signals[signal]); // asked twice: no more patience
  stopping = true;
  for (const cleanup of [...watched].reverse()) {
    await cleanup.run().catch((thrown: unknown) => process.stderr.write(`lab: ${reasonOf(thrown)}\n`));
  }
  stopping = false;
  // Die of the signal, as without this module, unless the program has a handler of its own.
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
}

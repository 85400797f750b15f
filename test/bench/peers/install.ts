/** Farsite's two programs, each in a folder of its own. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Running, Scope } from "../scope.ts";
import type { Side } from "../stage.ts";

const ROOT = join(import.meta.dir, "../../..");

export interface Installed {
  /** Starts it with this command, until the scope ends. */
  start(...words: string[]): Running;
  /** Runs one of its commands to the end. */
  once(...words: string[]): Promise<string>;
  /** Asks the one that runs. */
  ask(...words: string[]): Promise<string>;
}

/**
 * @param folder is made
 * @param config lines of its file
 */
export function install(
  kind: "hub" | "agent",
  folder: string,
  config: readonly string[],
  { side, scope }: { side: Side; scope: Scope },
): Installed {
  const [state, run, file] = [join(folder, "state"), join(folder, "run"), join(folder, `${kind}.toml`)];
  for (const path of [folder, state, run]) mkdirSync(path, { mode: 0o700 });
  writeFileSync(file, `${config.join("\n")}\n`);
  const command = (words: readonly string[]) => [
    ...side.within,
    process.execPath,
    join(ROOT, kind, "main.ts"),
    ...words,
  ];
  const own = ["--config", file, "--state-dir", state, "--run-dir", run];
  return {
    start: (...words) => scope.start(command([...words, ...own])),
    once: (...words) => scope.run(command([...words, ...own])),
    ask: (...words) => scope.run(command([...words, "--run-dir", run])),
  };
}

/** The real hub and agents of the demonstration, as processes. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Cleanup } from "../lab/cleanup.ts";
import { type LabProcess, launch, waitFor } from "../lab/process.ts";

const MAIN = {
  hub: fileURLToPath(new URL("../../hub/main.ts", import.meta.url)),
  agent: fileURLToPath(new URL("../../agent/main.ts", import.meta.url)),
};

/** One program with its own directories, in a namespace or not. */
export class Program {
  readonly #places: string[];

  constructor(
    private readonly kind: "hub" | "agent",
    readonly directory: string,
    private readonly netns: string | undefined,
    private readonly cleanup: Cleanup,
  ) {
    mkdirSync(directory, { recursive: true });
    this.#places = [
      "--config",
      this.config,
      "--state-dir",
      join(directory, "state"),
      "--run-dir",
      this.runDir,
    ];
  }

  get config(): string {
    return join(this.directory, `${this.kind}.toml`);
  }

  get runDir(): string {
    return join(this.directory, "run");
  }

  configure(toml: string): void {
    writeFileSync(this.config, toml);
  }

  /** The command line that does the same by hand. */
  commandLine(...words: string[]): string {
    const enter = this.netns === undefined ? "" : `ip netns exec ${this.netns} `;
    return `${enter}npx farsite-${this.kind} ${words.join(" ")} --run-dir ${this.runDir}`;
  }

  /** Runs one of its commands to the end and gives what it printed; rejects when it failed. */
  async ask(...words: string[]): Promise<string> {
    const child = await this.#launch(words, `${this.kind} ${words[0]}`);
    const { code } = await child.exited;
    if (code !== 0) throw new Error(`farsite-${this.kind} ${words[0]} ended with ${code}:\n${child.output}`);
    return child.output;
  }

  async askJson<T>(...words: string[]): Promise<T> {
    return JSON.parse(await this.ask(...words, "--json")) as T;
  }

  /** Starts it for good; resolves when its `status` answers. */
  async start(verb: "serve" | "run"): Promise<void> {
    const child = await this.#launch([verb], `farsite-${this.kind}`, this.cleanup);
    await waitFor(`farsite-${this.kind}`, async () => (await this.ask("status")) !== "", {
      withinMs: 30_000,
      everyMs: 100,
      child,
    });
  }

  #launch(words: string[], label: string, cleanup?: Cleanup): Promise<LabProcess> {
    return launch([process.execPath, MAIN[this.kind], ...words, ...this.#places], {
      label,
      netns: this.netns,
      cleanup,
    });
  }
}

/** Real hubs and agents: processes of this checkout's programs, each with folders, file and ports of its own. */
import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "smol-toml";
import type { z } from "zod";
import type { agentConfig } from "../../agent/config.ts";
import { type AgentStatus, askAgent, type SiteStatus, STATUS_SOCKET } from "../../agent/status.ts";
import type { hubConfig } from "../../hub/config/index.ts";
import type { EndpointState } from "../../hub/endpoint/index.ts";
import type { HubStatus, NewToken, SiteView } from "../../hub/hub.ts";
import { ADMIN_SOCKET } from "../../hub/web/admin/index.ts";
import { Cleanup, scratchDirectory } from "./cleanup.ts";
import { type LabProcess, type LaunchOptions, launch, waitFor } from "./process.ts";

type Kind = "hub" | "agent";
export type HubSettings = Partial<z.input<typeof hubConfig>>;
export type AgentSettings = z.input<typeof agentConfig>;

/** How a command ended that ran to its end. */
export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface CallOptions {
  stdin?: string;
  env?: Record<string, string>;
  /** Words before the command line: a program that changes its surroundings and becomes it. */
  through?: readonly string[];
  /** Another checkout than this one, whose programs are run. */
  source?: string | undefined;
}

/** ms for anything that is waited for: far more than it takes, for machines that are slow and busy. */
export const PATIENCE = 45_000;

/** Seconds for what is under way when a hub or an agent of a test is stopped, unless it is about that. */
const BRIEF_DRAIN = 0.5;

/** What systemd or an operator may have set for farsite itself must not reach the programs under test. */
const OWN_VARIABLES = [
  "STATE_DIRECTORY",
  "RUNTIME_DIRECTORY",
  "FARSITE_TOKEN",
  "NOTIFY_SOCKET",
  "JOURNAL_STREAM",
  "HTTPS_PROXY",
  "https_proxy",
  "ALL_PROXY",
  "all_proxy",
  "NO_PROXY",
  "no_proxy",
];

function environment(added: Record<string, string> = {}): NodeJS.ProcessEnv {
  const env = { ...process.env, ...added };
  for (const name of OWN_VARIABLES) if (!(name in added)) delete env[name];
  return env;
}

/** This checkout. */
const THIS_SOURCE = fileURLToPath(new URL("../..", import.meta.url));

/** The words that run a command of farsite-hub or farsite-agent. */
export function commandLine(kind: Kind, words: readonly string[], source = THIS_SOURCE): string[] {
  return [process.execPath, join(source, kind, "main.ts"), ...words];
}

/** Runs a command of farsite-hub or farsite-agent to its end; after PATIENCE it is killed. */
export function call(kind: Kind, words: readonly string[], options: CallOptions = {}): Promise<Finished> {
  const [program = "", ...args] = [...(options.through ?? []), ...commandLine(kind, words, options.source)];
  const child = spawn(program, args, {
    env: environment(options.env),
    timeout: PATIENCE,
    killSignal: "SIGKILL",
  });
  const printed = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      printed[name] += text;
    });
  }
  child.stdin.on("error", () => {}).end(options.stdin ?? "");
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, ...printed }));
  });
}

/** A TCP port of 127.0.0.1 that nobody listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        if (address && typeof address === "object") resolve(address.port);
        else reject(new Error("no port was given"));
      });
    });
  });
}

/** Waits, as long as PATIENCE, until `condition` says true. */
export function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  return waitFor(what, condition, { withinMs: PATIENCE });
}

/** One hub or agent as installed: its configuration, its folders, and its process while it runs. */
export abstract class Installation {
  readonly config: string;
  readonly stateDir: string;
  readonly runDir: string;
  /** Another checkout than this one, whose programs it runs. */
  source: string | undefined;
  #process: LabProcess | undefined;

  constructor(
    readonly kind: Kind,
    private readonly folder: string,
    private readonly cleanup: Cleanup,
  ) {
    mkdirSync(folder, { recursive: true });
    this.config = join(folder, `${kind}.toml`);
    this.stateDir = join(folder, "state");
    this.runDir = join(folder, "run");
  }

  get places(): string[] {
    return ["--config", this.config, "--state-dir", this.stateDir, "--run-dir", this.runDir];
  }

  /** Its process, running or ended. */
  get process(): LabProcess {
    if (!this.#process) throw new Error(`the ${this.kind} in ${this.folder} was never started`);
    return this.#process;
  }

  /** Writes its configuration file; idle connections of a test are not waited for when it is stopped. */
  write(settings: HubSettings | AgentSettings): void {
    const limits = { drain_seconds: BRIEF_DRAIN, ...settings.limits };
    writeFileSync(this.config, stringify(this.source === undefined ? { ...settings, limits } : settings));
  }

  /** Runs one of its commands to the end. */
  call(words: readonly string[], options?: CallOptions): Promise<Finished> {
    return call(this.kind, [...words, ...this.places], { source: this.source, ...options });
  }

  /** As `call`, but gives what was printed, and throws when the command failed. */
  async ok(...words: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.call(words);
    if (code !== 0) throw new Error(`farsite-${this.kind} ${words.join(" ")} ended with ${code}:\n${stderr}`);
    return stdout;
  }

  /** As `ok`, with --json. */
  async json<T>(...words: string[]): Promise<T> {
    return JSON.parse(await this.ok(...words, "--json")) as T;
  }

  /** Starts its process and resolves when it answers on its socket. */
  async start(options: Pick<LaunchOptions, "env" | "netns" | "onLine"> = {}): Promise<LabProcess> {
    const verb = this.kind === "hub" ? "serve" : "run";
    this.#process = await launch(commandLine(this.kind, [verb, ...this.places], this.source), {
      label: `farsite-${this.kind} ${verb}`,
      env: environment(options.env) as Record<string, string>,
      netns: options.netns,
      ...(options.onLine && { onLine: options.onLine }),
      ready: () => this.answers(),
      readyWithinMs: PATIENCE,
      cleanup: this.cleanup,
    });
    return this.#process;
  }

  /** Asks it to stop, as systemd does; throws when it does not end in good order. */
  async stop(): Promise<void> {
    const { code, signal } = await this.process.stop();
    if (code !== 0)
      throw new Error(`${this.process.label} ended with ${signal ?? code}:\n${this.process.output}`);
  }

  /** Ends it as a crash would. */
  async crash(): Promise<void> {
    this.process.signal("SIGKILL");
    await this.process.exited;
  }

  abstract answers(): Promise<boolean>;
}

export class TestHub extends Installation {
  readonly url: string;

  constructor(
    folder: string,
    cleanup: Cleanup,
    readonly port: number,
    private readonly settings: HubSettings,
  ) {
    super("hub", folder, cleanup);
    this.url = settings.url ?? `${settings.listen?.tls === "off" ? "ws" : "wss"}://127.0.0.1:${port}`;
    this.configure();
  }

  /** Writes hub.toml: what a hub of a test needs, and over it what is wanted otherwise. */
  configure(changes: HubSettings = {}): void {
    const settings = { ...this.settings, ...changes };
    this.write({
      url: this.url,
      ...settings,
      listen: { address: "127.0.0.1", port: this.port, ...settings.listen },
    });
  }

  /** Asks the admin socket, as the commands do, but without a process for each question. */
  async #ask<T>(path: string): Promise<T> {
    const response = await fetch(`http://hub${path}`, { unix: join(this.runDir, ADMIN_SOCKET) });
    if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
    return (await response.json()) as T;
  }

  answers(): Promise<boolean> {
    return this.#ask<HubStatus>("/status").then(() => true);
  }

  status(): Promise<HubStatus> {
    return this.#ask("/status");
  }

  endpoints(): Promise<EndpointState[]> {
    return this.#ask("/endpoints");
  }

  async endpoint(path: string, service: string): Promise<EndpointState> {
    const found = (await this.endpoints()).find(
      (e) => `${e.tenant}/${e.site}` === path && e.service === service,
    );
    if (!found) throw new Error(`there is no endpoint ${path} ${service}`);
    return found;
  }

  async site(path: string): Promise<SiteView> {
    const found = (await this.status()).sites.find((site) => `${site.tenant}/${site.site}` === path);
    if (!found) throw new Error(`there is no site ${path}`);
    return found;
  }

  /** Adds a site, and its tenant when that is new; gives its first token. */
  async addSite(path: string): Promise<NewToken> {
    const [tenant = ""] = path.split("/");
    const known = await this.json<{ tenant: string }[]>("tenant", "list");
    if (!known.some((each) => each.tenant === tenant)) await this.ok("tenant", "add", tenant);
    return this.json("site", "add", path);
  }

  /** Waits until a site is in a state. */
  reaches(path: string, state: SiteView["state"]): Promise<void> {
    return until(`${path} to be ${state}`, async () => (await this.site(path)).state === state);
  }
}

export class TestAgent extends Installation {
  constructor(folder: string, cleanup: Cleanup, settings: AgentSettings) {
    super("agent", folder, cleanup);
    this.write(settings);
  }

  /** What this machine has is not found: `/` is this agent's own folder, unless a test names another. */
  override call(words: readonly string[], options?: CallOptions): Promise<Finished> {
    const finds = words[0] === "enroll" && !words.includes("--root");
    return super.call(finds ? [...words, "--root", this.stateDir] : words, options);
  }

  enroll(token: string, options?: CallOptions): Promise<Finished> {
    return this.call(["enroll", token], options);
  }

  async answers(): Promise<boolean> {
    return (await this.told()) !== undefined;
  }

  /** All that it tells, of all its sites. */
  told(): Promise<AgentStatus> {
    return askAgent(join(this.runDir, STATUS_SOCKET));
  }

  /** How one of its sites is: the first, or the one of that name. */
  async status(name?: string): Promise<SiteStatus> {
    const { sites } = await this.told();
    const found = name === undefined ? sites[0] : sites.find((site) => site.name === name);
    if (!found) throw new Error(`the agent has no site ${name ?? ""}`);
    return found;
  }

  /** Waits until the agent says that its site, the first or the one of that name, is not connected for this reason. */
  complains(code: string, name?: string): Promise<void> {
    return until(`the agent to say ${code}`, async () => (await this.status(name)).error?.code === code);
  }
}

/** Everything that a test file starts, and its end. */
export class FarsiteLab {
  readonly cleanup = new Cleanup();
  readonly folder = scratchDirectory(this.cleanup, "e2e");
  // many hubs may run on one machine at once: each takes its addresses from a corner of its own
  readonly #corner = { second: randomInt(70, 128), third: randomInt(256) };
  #count = 0;

  /** A hub that is installed but not started. */
  async makeHub(settings: HubSettings = {}): Promise<TestHub> {
    const port = settings.listen?.port ?? (await freePort());
    const folder = join(this.folder, `hub${++this.#count}`);
    const pool = `127.${this.#corner.second}.${(this.#corner.third + this.#count) % 256}.0/24`;
    return new TestHub(folder, this.cleanup, port, { endpoints: { pool }, ...settings });
  }

  async startHub(settings?: HubSettings): Promise<TestHub> {
    const hub = await this.makeHub(settings);
    await hub.start();
    return hub;
  }

  /** An agent that is installed: not enrolled, not started. */
  makeAgent(settings: AgentSettings = {}): TestAgent {
    return new TestAgent(join(this.folder, `agent${++this.#count}`), this.cleanup, settings);
  }

  /** An agent of a new site, enrolled, running and connected. */
  async connect(hub: TestHub, path: string, settings?: AgentSettings): Promise<TestAgent> {
    const { token } = await hub.addSite(path);
    const agent = this.makeAgent(settings);
    await agent.ok("enroll", token);
    await agent.start();
    await hub.reaches(path, "connected");
    return agent;
  }

  end(): Promise<void> {
    return this.cleanup.run();
  }
}

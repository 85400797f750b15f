/** Builds and runs the load program, which is both the core that is asked and the clients that ask it. */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EXCHANGES, type Exchange } from "../exchanges.ts";
import type { Scope } from "../scope.ts";
import type { Side } from "../stage.ts";

export interface Target {
  readonly host: string;
  readonly port: number;
  /** Words before a command that make it run where the target can be reached. */
  readonly within: readonly string[];
}

export interface StreamPlan {
  /** How long the stream has run before it counts. */
  readonly warmSeconds: number;
  readonly seconds: number;
}

export interface ExchangePlan {
  readonly exchange: Exchange;
  readonly connections: number;
  readonly seconds: number;
  /** Seconds from one request of a connection to its next, whatever the answer takes; without: once it has come. */
  readonly interval?: number;
  /** Whether a connection serves all requests of a client or only one. */
  readonly keep: boolean;
  /** Seconds after which it is given up; default 30. With an interval all questions are asked, however slow answers are. */
  readonly limitSeconds?: number;
}

export interface ExchangeFigures {
  readonly exchanges: number;
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  /** Milliseconds. */
  readonly p99: number;
}

const RUN_LIMIT_SECONDS = 30;
const WEB = join(import.meta.dir, "web.ts");

export class Load {
  private constructor(
    private readonly scope: Scope,
    private readonly program: string,
  ) {}

  /** Compiles the program and writes the answers into the scope's folder. */
  static async build(scope: Scope): Promise<Load> {
    const program = join(scope.folder, "load");
    const sources = readdirSync(import.meta.dir).filter((name) => name.endsWith(".c"));
    const paths = sources.map((name) => join(import.meta.dir, name));
    await scope.run(["gcc", "-std=gnu17", "-O3", "-pthread", "-o", program, ...paths]);
    for (const kind of ["request", "answer"]) mkdirSync(join(scope.folder, kind));
    for (const { name, answer } of EXCHANGES) writeFileSync(join(scope.folder, "answer", name), answer);
    return new Load(scope, program);
  }

  /** Starts a core on this side, at a port of the kernel's choice; it ends with the scope. */
  async serve({ address, within }: Side, scope = this.scope): Promise<{ core: Target; pid: number }> {
    const answers = EXCHANGES.map(({ name }) => this.#file("answer", name));
    const { pid, firstLine } = scope.start([...within, this.program, "serve", address, ...answers]);
    return { core: { host: address, port: Number(await firstLine), within }, pid };
  }

  /** One stream of that many MiB, in Mbit/s. */
  async bulk(direction: "up" | "down", target: Target, mebibytes: number): Promise<number> {
    return rateOf(await this.#run(target, [direction], [mebibytes]));
  }

  /** The rate of a stream once it runs, where it arrives, in Mbit/s. */
  async stream(direction: "up" | "down", target: Target, plan: StreamPlan): Promise<number> {
    return rateOf(await this.#run(target, ["stream", direction], [plan.warmSeconds, plan.seconds]));
  }

  /** Starts a web server on this side that takes uploads. */
  async serveWeb({ address, within }: Side): Promise<number> {
    const { firstLine } = this.scope.start([...within, process.execPath, WEB, "serve", address]);
    return Number(await firstLine);
  }

  /** An upload of that many MiB to a web server, in Mbit/s; `raw`: as bytes that the hub does not look at. */
  async upload({ host, port, within }: Target, mebibytes: number, raw?: "raw"): Promise<number> {
    const words = [host, port, mebibytes, ...(raw ? ["--raw"] : [])].map(String);
    const printed = await this.scope.run(
      [...within, process.execPath, WEB, "send", ...words],
      RUN_LIMIT_SECONDS,
    );
    return rateOf(JSON.parse(printed));
  }

  async exchange(target: Target, plan: ExchangePlan): Promise<ExchangeFigures> {
    const { exchange, connections, seconds, interval = 0, keep, limitSeconds } = plan;
    const files = [this.#file("request", exchange.name), this.#file("answer", exchange.name)];
    // it may say what time it is
    writeFileSync(files[0] ?? "", exchange.request);
    const rest = [connections, seconds, interval, keep ? "keep" : "new", ...files];
    return (await this.#run(target, ["exchange"], rest, limitSeconds)) as ExchangeFigures;
  }

  #file(kind: "request" | "answer", name: string): string {
    return join(this.scope.folder, kind, name);
  }

  async #run(
    target: Target,
    mode: readonly string[],
    rest: readonly (string | number)[],
    limitSeconds = RUN_LIMIT_SECONDS,
  ): Promise<unknown> {
    const { host, port, within } = target;
    const words = [...within, this.program, ...mode, host, ...[port, ...rest].map(String)];
    return JSON.parse(await this.scope.run(words, limitSeconds));
  }
}

function rateOf(figures: unknown): number {
  return (figures as { mbitPerSecond: number }).mbitPerSecond;
}

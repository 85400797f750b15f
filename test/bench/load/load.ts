/** Builds and runs the load program, which is both the core that is asked and the clients that ask it. */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EXCHANGES, type Exchange } from "../exchanges.ts";
import type { Scope } from "../scope.ts";

export interface Target {
  readonly host: string;
  readonly port: number;
}

export interface ExchangePlan {
  readonly exchange: Exchange;
  readonly connections: number;
  readonly seconds: number;
  /** Whether a connection serves all requests of a client or only one. */
  readonly keep: boolean;
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

export class Load {
  private constructor(
    private readonly scope: Scope,
    private readonly program: string,
  ) {}

  /** Compiles the program and writes the exchanges into the scope's folder. */
  static async build(scope: Scope): Promise<Load> {
    const program = join(scope.folder, "load");
    const sources = readdirSync(import.meta.dir).filter((name) => name.endsWith(".c"));
    const paths = sources.map((name) => join(import.meta.dir, name));
    await scope.run("gcc", ["-std=gnu17", "-O3", "-pthread", "-o", program, ...paths]);
    for (const kind of ["request", "answer"] as const) {
      mkdirSync(join(scope.folder, kind));
      for (const exchange of EXCHANGES)
        writeFileSync(join(scope.folder, kind, exchange.name), exchange[kind]);
    }
    return new Load(scope, program);
  }

  /** Starts the core on a port of 127.0.0.1, which it returns. */
  async serve(): Promise<number> {
    const answers = EXCHANGES.map(({ name }) => this.#file("answer", name));
    return Number(await this.scope.start(this.program, ["serve", ...answers]).firstLine);
  }

  /** One stream of that many MiB, in Mbit/s. */
  async bulk(direction: "up" | "down", target: Target, mebibytes: number): Promise<number> {
    const figures = await this.#run([direction, target.host, String(target.port), String(mebibytes)]);
    return (figures as { mbitPerSecond: number }).mbitPerSecond;
  }

  async exchange(target: Target, plan: ExchangePlan): Promise<ExchangeFigures> {
    const { exchange, connections, seconds, keep } = plan;
    const numbers = [target.port, connections, seconds].map(String);
    const files = [this.#file("request", exchange.name), this.#file("answer", exchange.name)];
    const words = ["exchange", target.host, ...numbers, keep ? "keep" : "new", ...files];
    return (await this.#run(words)) as ExchangeFigures;
  }

  #file(kind: "request" | "answer", name: string): string {
    return join(this.scope.folder, kind, name);
  }

  async #run(words: readonly string[]): Promise<unknown> {
    return JSON.parse(await this.scope.run(this.program, words, RUN_LIMIT_SECONDS));
  }
}

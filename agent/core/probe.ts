/** Asks a core how it is, in the way that it understands. */
import type { CoreInfo } from "../../common/core.ts";
import { COLUMNS, type Columns } from "./answer.ts";
import { type ExchangeOptions, exchange, type Outcome } from "./exchange.ts";
import type { Failure } from "./failure.ts";

export type Finding = { core: CoreInfo } | Failure;

const NO_COLUMNS: Failure = { cause: "invalid", reason: "the core has no column program_start" };

export class Probe {
  /** Which columns this core knows, once it has answered: so that it is refused at most once in its life. */
  #columns = 0;
  /** Whether it was TLS that it answered to: some targets are a site's own Livestatus port with TLS. */
  #tls = false;
  #abort: (() => void) | undefined;
  #stopped = false;

  constructor(private readonly options: ExchangeOptions) {}

  /** Asks, with other columns and over TLS if need be; never rejects. Undefined when `stop` came first. */
  async ask(): Promise<Finding | undefined> {
    const usual = await this.#ask(this.#tls);
    if (usual.kind !== "failed") return findingOf(usual);
    if (!usual.met) return usual.failure;
    const other = await this.#ask(!this.#tls);
    if (other.kind === "core") this.#tls = !this.#tls;
    return other.kind === "failed" ? usual.failure : findingOf(other);
  }

  /** Gives up the question that is open, and asks no other. */
  stop(): void {
    this.#stopped = true;
    this.#abort?.();
  }

  async #ask(tls: boolean): Promise<Outcome> {
    for (let tries = 1; ; tries++) {
      if (this.#stopped) return { kind: "aborted" };
      const { outcome, abort } = exchange(COLUMNS[this.#columns] as Columns, tls, this.options);
      this.#abort = abort;
      const result = await outcome;
      if (result.kind !== "refused" || tries === COLUMNS.length) return result;
      this.#columns = (this.#columns + 1) % COLUMNS.length;
    }
  }
}

function findingOf(outcome: Exclude<Outcome, { kind: "failed" }>): Finding | undefined {
  if (outcome.kind === "aborted") return undefined;
  return outcome.kind === "core" ? { core: outcome.core } : NO_COLUMNS;
}

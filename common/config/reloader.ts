/**
 * Takes up a changed configuration while the program runs. The file is read and checked as a whole, and whatever can
 * fail is made of it, before anything is switched: what is broken changes nothing.
 */

import { FarsiteError, reasonOf } from "../errors.ts";
import type { Log } from "../log.ts";
import { changedKeys, isAmong } from "./changes.ts";

/** A part of the program, made ready for a new configuration. */
export interface Prepared {
  /** Switches to it. It cannot fail for what the configuration says. */
  apply(): void | Promise<void>;
  /** What is new although no key has changed, such as a certificate in a file. */
  renewed?: readonly string[];
}

/** A part of the program that can be switched while it runs. */
export interface Reconfigurable<C> {
  /** The keys that it takes up, and all below them; `*` stands for any one step. */
  readonly keys: readonly string[];
  /** It reads more than the configuration, and is asked each time. Default: only when one of its keys has changed. */
  readonly always?: boolean;
  /** Makes all of it that can fail; undefined: there is nothing to switch. Throws FarsiteError. */
  prepare(config: C): Promise<Prepared | undefined> | Prepared | undefined;
}

/** A part for which nothing can fail. */
export function switched<C>(
  keys: readonly string[],
  apply: (config: C) => void | Promise<void>,
): Reconfigurable<C> {
  return { keys, prepare: (config) => ({ apply: () => apply(config) }) };
}

export interface ReloadReport {
  /** Keys that were taken up. */
  changed: string[];
  /** What is new although its key is not. */
  renewed: string[];
  /** Keys that have changed since the start, and count from the next one. */
  restart: string[];
}

/** A configuration that can be switched to. */
interface Ready<C> {
  config: C;
  prepared: Prepared[];
  report: ReloadReport;
}

export interface ReloaderOptions<C> {
  /** What the program was started with. */
  config: C;
  /** Reads and checks the file. Throws FarsiteError. */
  load: () => C;
  /** In the order in which they are switched. */
  parts: readonly Reconfigurable<C>[];
  log: Log;
}

export class Reloader<C> {
  readonly #options: ReloaderOptions<C>;
  readonly #started: C;
  #config: C;
  #last: Promise<unknown> = Promise.resolve();
  #failure: FarsiteError | undefined;

  constructor(options: ReloaderOptions<C>) {
    this.#options = options;
    this.#started = options.config;
    this.#config = options.config;
  }

  /** What counts now, but for keys that need a restart. */
  get config(): C {
    return this.#config;
  }

  /** Why the last reload changed nothing; undefined when it did. For people, in one line. */
  get failure(): string | undefined {
    return this.#failure && `the changed configuration is not used: ${this.#failure.message}`;
  }

  /** What `reload` would do, without doing it. Throws what that would throw. */
  async check(): Promise<ReloadReport> {
    return (await this.#inTurn(() => this.#prepare())).report;
  }

  /** Reads the configuration again and switches to it. Throws FarsiteError; then nothing has changed. */
  reload(): Promise<ReloadReport> {
    return this.#inTurn(async () => {
      const { log } = this.#options;
      let ready: Ready<C>;
      try {
        ready = await this.#prepare();
      } catch (error) {
        this.#failure = asFarsiteError(error);
        const { code, message, hint } = this.#failure;
        log.error("the changed configuration is not used", { code, reason: message, do: hint });
        throw this.#failure;
      }
      this.#failure = undefined;
      this.#config = ready.config;
      for (const { apply } of ready.prepared) await apply();
      const { changed, renewed, restart } = ready.report;
      log.info("configuration reloaded", { changed: changed.join(", "), renewed: renewed.join(", ") });
      if (restart.length > 0) log.warn("changed keys need a restart", { keys: restart.join(", ") });
      return ready.report;
    });
  }

  /** One after the other. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work, work);
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #prepare(): Promise<Ready<C>> {
    const { load, parts } = this.#options;
    const config = load();
    const live = parts.flatMap(({ keys }) => keys);
    const changed = changedKeys(this.#config, config).filter((key) => isAmong(key, live));
    const restart = changedKeys(this.#started, config).filter((key) => !isAmong(key, live));
    const prepared: Prepared[] = [];
    for (const part of parts) {
      if (!part.always && !changed.some((key) => isAmong(key, part.keys))) continue;
      const ready = await part.prepare(config);
      if (ready) prepared.push(ready);
    }
    const renewed = prepared.flatMap((each) => each.renewed ?? []);
    return { config, prepared, report: { changed, renewed, restart } };
  }
}

function asFarsiteError(error: unknown): FarsiteError {
  return error instanceof FarsiteError ? error : new FarsiteError("E_INTERNAL", reasonOf(error));
}

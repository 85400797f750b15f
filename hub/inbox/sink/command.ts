/** A command that is run for each letter, with a file: for a central site without a notification spooler. */
import { join } from "node:path";
import type { Clock } from "../../../common/clock.ts";
import type { Disk } from "../../../common/disk.ts";
import type { Turns } from "../../../common/turns.ts";
import type { Letter } from "../letter/index.ts";
import { type Outcome, outcomeText, run } from "./run.ts";
import type { Rejected, Sink } from "./sink.ts";

export interface CommandOptions {
  name: string;
  /** The program and its arguments; {file} stands for the file's path. */
  command: readonly string[];
  /** Where the file is written. */
  directory: string;
  disk: Disk;
  contents: (letter: Letter) => Buffer;
  clock: Clock;
  /** ms for one run. */
  timeout: number;
  turns: Turns;
}

export const FILE_MARK = "{file}";
/** What Checkmk's notification plugins and `cmk --notify` end with where another try is of no use. */
const PERMANENT = 2;
/** Runs that may fail with another code before a letter counts as never taken. */
const MOST_TRIES = 10;
/** Whoever is in the folder's group may read the file. */
const MODE = 0o640;

export class CommandSink implements Sink {
  readonly kind = "command";
  readonly exact = undefined;
  readonly batch = 1;
  readonly name: string;
  /** Runs that failed for the letter in front of each sender. */
  readonly #tries = new Map<string, number>();

  constructor(private readonly options: CommandOptions) {
    this.name = options.name;
  }

  async land(letters: readonly Letter[]): Promise<Rejected[]> {
    const rejected: Rejected[] = [];
    for (const letter of letters) {
      const reason = await this.#deliver(letter);
      if (reason !== undefined) rejected.push({ letter, reason });
    }
    return rejected;
  }

  async withdraw(ids: readonly string[]): Promise<void> {
    const { directory, disk } = this.options;
    for (const id of ids) {
      await disk.remove(join(directory, id));
      this.#tries.delete(id);
    }
  }

  /** The reason for which a letter will never be taken; throws when it may be later. */
  async #deliver(letter: Letter): Promise<string | undefined> {
    const { directory, disk, contents, turns } = this.options;
    const file = join(directory, letter.id);
    await disk.ensure(directory);
    await disk.write(file, [contents(letter)], MODE);
    const outcome = await turns.take(() => this.#run(letter, file));
    await disk.remove(file);
    const { code } = outcome;
    if (code === 0) {
      this.#tries.delete(letter.id);
      return undefined;
    }
    const reason = outcomeText(this.options.command[0], outcome);
    const tries = (this.#tries.get(letter.id) ?? 0) + 1;
    if (code === PERMANENT || tries >= MOST_TRIES) {
      this.#tries.delete(letter.id);
      return reason;
    }
    this.#tries.set(letter.id, tries);
    throw new Error(reason);
  }

  #run(letter: Letter, file: string): Promise<Outcome> {
    const { command, clock, timeout } = this.options;
    // nothing of a letter on the command line or among the variables
    return run(
      command.map((word) => word.replaceAll(FILE_MARK, file)),
      {
        env: {
          FARSITE_TENANT: letter.tenant,
          FARSITE_SITE: letter.site,
          FARSITE_IDEMPOTENCY_KEY: letter.idempotencyKey,
        },
        clock,
        timeout,
      },
    );
  }
}

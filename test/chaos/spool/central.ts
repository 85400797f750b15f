/** A central site's notification spooler: takes files away as they come, and knows which it had before. */
import { type FSWatcher, readdirSync, readFileSync, rmSync, watch } from "node:fs";
import { join } from "node:path";
import { parsePython } from "../../../common/python/index.ts";

const LIMITS = { length: 1 << 20, depth: 8, values: 10_000 };
/** ms between two looks at the whole folder, for what the kernel did not tell of. */
const RESCAN = 2_000;

export class Central {
  readonly #seen = new Set<number>();
  #highest = 0;
  duplicated = 0;
  outOfOrder = 0;
  /** Files that were no notification. */
  readonly strange: string[] = [];
  #there: ReadonlySet<string> = new Set();
  readonly #watcher: FSWatcher;
  readonly #timer: Timer;

  constructor(
    private readonly folder: string,
    private readonly said: (line: string) => void,
  ) {
    // events come in the order of the renames
    this.#watcher = watch(folder, (_, name) => name && this.#take(name));
    this.#timer = setInterval(() => this.scan(), RESCAN);
  }

  get delivered(): number {
    return this.#seen.size;
  }

  /** Takes what was there at the last look, too: of the rest there will be word, in order. */
  scan(): void {
    const names = readdirSync(this.folder).filter((name) => !name.startsWith("."));
    for (const name of names) if (this.#there.has(name)) this.#take(name);
    this.#there = new Set(names);
  }

  #take(name: string): void {
    if (name.startsWith(".")) return;
    const path = join(this.folder, name);
    let text: string;
    try {
      text = readFileSync(path, "utf8");
      rmSync(path);
    } catch {
      return; // this was the event of its removal
    }
    const number = numberOf(text);
    if (number === undefined) {
      this.strange.push(`${name}: ${text.slice(0, 100)}`);
      return;
    }
    if (this.#seen.has(number)) {
      this.duplicated++;
      this.said(`notification ${number} came twice`);
    } else if (number < this.#highest) {
      this.outOfOrder++;
      this.said(`notification ${number} came after ${this.#highest}`);
    }
    this.#seen.add(number);
    this.#highest = Math.max(this.#highest, number);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#watcher.close();
  }
}

function numberOf(text: string): number | undefined {
  try {
    const value = parsePython(text, LIMITS);
    const context = value instanceof Map ? value.get("context") : undefined;
    return context instanceof Map ? Number(context.get("NUMBER")) : undefined;
  } catch {
    return undefined;
  }
}

/** What hub and agent log, as far as it tells how they come through. */

const KEPT = 40;

export class Journal {
  /** Carriers that the hub took into service. */
  carriers = 0;
  /** Sessions that were lost, with all their streams. */
  sessionsEnded = 0;
  /** Carriers that were replaced before they were left. */
  replaced = 0;
  readonly #last: string[] = [];
  #waiting: { side: "hub" | "agent"; text: string; done: () => void }[] = [];

  /** @param show takes each line as it comes */
  constructor(private readonly show: (line: string) => void) {}

  hub(line: string): void {
    this.#note("hub", line);
    if (line.includes(" agent connected")) this.carriers++;
    if (line.includes(" session ended")) this.sessionsEnded++;
  }

  agent(line: string): void {
    this.#note("agent", line);
    if (line.includes(" carrier replaced")) this.replaced++;
  }

  /** Carriers on which a session went on. */
  get resumed(): number {
    return this.carriers - 1 - this.sessionsEnded;
  }

  /** The last lines of both. */
  get last(): string {
    return this.#last.join("\n");
  }

  /** Resolves when one of them logs a line with this text. */
  says(side: "hub" | "agent", text: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ side, text, done: resolve });
    return promise;
  }

  #note(side: "hub" | "agent", line: string): void {
    const shown = `${side.padEnd(5)} ${line}`;
    this.show(shown);
    this.#last.push(shown);
    if (this.#last.length > KEPT) this.#last.shift();
    const heard = this.#waiting.filter((each) => each.side === side && line.includes(each.text));
    this.#waiting = this.#waiting.filter((each) => !heard.includes(each));
    for (const { done } of heard) done();
  }
}

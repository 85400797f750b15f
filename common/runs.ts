/** Work that is done when it is asked for, one run at a time: who asks during a run gets another one after it. */
export class Runs {
  #running = false;
  #asked = false;
  #over: (() => void)[] = [];

  /** @param work deals with its own failures */
  constructor(private readonly work: () => Promise<void>) {}

  ask(): void {
    this.#asked = true;
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#asked) {
      this.#asked = false;
      await this.work();
    }
    // not a moment between the last look and this, in which somebody could ask in vain
    this.#running = false;
    for (const over of this.#over.splice(0)) over();
  }

  /** Resolves when nothing runs any more. */
  get idle(): Promise<void> {
    if (!this.#running) return Promise.resolve();
    return new Promise((over) => this.#over.push(over));
  }
}

/** The way out to the client: what it has not taken yet is bounded. */

/** Bytes under way to the client above which its answer waits, and below which it goes on. */
const HIGH_WATER = 256 << 10;
const LOW_WATER = 64 << 10;

export class Backlog {
  #underWay = 0;
  #blocked = false;

  /**
   * @param send takes bytes; `consumed` is called for them
   * @param drained goes on after `blocked`
   */
  constructor(
    private readonly send: (chunk: Buffer) => void,
    private readonly drained: () => void,
  ) {}

  get blocked(): boolean {
    return this.#blocked;
  }

  /** Bytes that the client has not taken. */
  get underWay(): number {
    return this.#underWay;
  }

  write(chunk: Buffer): void {
    this.#underWay += chunk.length;
    if (this.#underWay > HIGH_WATER) this.#blocked = true;
    this.send(chunk);
  }

  consumed(bytes: number): void {
    this.#underWay -= bytes;
    if (!this.#blocked || this.#underWay > LOW_WATER) return;
    this.#blocked = false;
    this.drained();
  }
}

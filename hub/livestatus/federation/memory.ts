/**
 * What all queries together may hold in memory: rows to be sorted, groups, and what of a row has come. Counted
 * as the JSON that it is on the wire; in memory it is about four times as large.
 */
export class Memory {
  #held = 0;

  /** @param most bytes */
  constructor(public most: number) {}

  get held(): number {
    return this.#held;
  }

  /** A part of it for one query. */
  share(): Share {
    return new Share((bytes) => {
      this.#held += bytes;
      return this.#held <= this.most;
    });
  }
}

export class Share {
  #held = 0;

  /** @param add counts bytes, more or less; false: more than there is */
  constructor(private readonly add: (bytes: number) => boolean) {}

  /** Holds more. False: it is too much; it is counted all the same, until it is given back. */
  take(bytes: number): boolean {
    this.#held += bytes;
    return this.add(bytes);
  }

  give(bytes: number): void {
    this.#held -= bytes;
    this.add(-bytes);
  }

  /** Gives back all that is held. */
  close(): void {
    this.give(this.#held);
  }
}

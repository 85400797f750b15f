/** The clients of one gate or view: how many there are, and what they keep here. */

import type { Socket } from "node:net";
import { Client, type ClientHost } from "./client.ts";

/** Bytes of requests, not complete or waiting, that all of them together may have here. */
const MOST_HELD = 64 << 20;

export class Clients {
  readonly #all = new Set<Client>();
  #held = 0;

  /** @param most that are connected at once; one more is disconnected */
  constructor(
    private readonly host: ClientHost,
    private readonly most: number,
  ) {}

  get count(): number {
    return this.#all.size;
  }

  /**
   * Takes a client's connection.
   * @param done is called when it is gone
   * @param opaque is called for one that speaks TLS, which then is not passed on
   */
  serve(socket: Socket, done: () => void, opaque?: () => void): void {
    const client = new Client(socket, {
      host: this.host,
      hold: (bytes) => {
        this.#held += bytes;
        return this.#held <= MOST_HELD;
      },
      opaque,
      done: () => {
        this.#all.delete(client);
        done();
      },
    });
    this.#all.add(client);
    if (this.#all.size > this.most) client.abort();
  }

  /** Breaks off every client. */
  close(): void {
    for (const client of [...this.#all]) client.abort();
  }
}

/** The clients of one gate or view: how many there are, and what they keep here. */

import type { Socket } from "node:net";
import { type Drainable, Unseen } from "../../common/drain.ts";
import { Client, type ClientHost } from "./client.ts";

/** Bytes of requests, not complete or waiting, that all of them together may have here. */
const MOST_HELD = 64 << 20;

export class Clients implements Drainable {
  readonly #all = new Set<Client>();
  /** Those of them that are understood. */
  readonly #seen = new Set<Client>();
  /** The others: they speak with the core itself. */
  readonly #unseen: Unseen;
  #held = 0;
  #draining = false;

  /** @param host whose `limits.clients` is how many may be connected at once; one more is disconnected */
  constructor(private readonly host: ClientHost & { readonly limits: { clients: number } }) {
    this.#unseen = new Unseen(host.clock);
  }

  get count(): number {
    return this.#all.size;
  }

  /**
   * Takes a client's connection.
   * @param done is called when it is gone
   * @param opaque is called for one that speaks TLS, which then is not passed on
   */
  serve(socket: Socket, done: () => void, opaque?: () => void): void {
    let leave = () => {};
    const client = new Client(socket, {
      host: this.host,
      hold: (bytes) => {
        this.#held += bytes;
        return this.#held <= MOST_HELD;
      },
      opaque,
      passedOn: () => {
        leave = this.#unseen.enter();
        this.#seen.delete(client);
      },
      done: () => {
        leave();
        this.#all.delete(client);
        this.#seen.delete(client);
        done();
      },
    });
    this.#all.add(client);
    this.#seen.add(client);
    if (this.#all.size > this.host.limits.clients) client.abort();
    else if (this.#draining) client.drain();
  }

  drain(): void {
    this.#draining = true;
    for (const client of this.#seen) client.drain();
  }

  get underWay(): number {
    let count = this.#unseen.young;
    for (const client of this.#seen) if (client.underWay) count++;
    return count;
  }

  /** Breaks off every client. */
  close(): void {
    for (const client of [...this.#all]) client.abort();
  }
}

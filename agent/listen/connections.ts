/** A listener for connections: each becomes a stream to the line of the central side that it is named for. */

import type { Socket } from "node:net";
import type { Address } from "../../common/address.ts";
import { breakOff } from "../../common/break-off.ts";
import { Complaints } from "../../common/complaints.ts";
import { type Drainable, Unseen } from "../../common/drain.ts";
import { Listener } from "../../common/listener.ts";
import { join } from "../../common/mux/index.ts";
import { type LineOptions, type ListenerState, priorityOf, refusalText } from "./line.ts";

export interface ConnectionsOptions extends LineOptions {
  address: Exclude<Address, { kind: "udp" }>;
  /** Clients connected at once; more are turned away. */
  clients: number;
}

export class Connections implements Drainable {
  readonly #options: ConnectionsOptions;
  readonly #complaints: Complaints;
  readonly #listener: Listener;
  readonly #sockets = new Set<Socket>();
  readonly #unseen: Unseen;
  #opened = 0;
  #failed = 0;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
    const { address, name, clock, log } = options;
    this.#complaints = new Complaints({ message: "line failed", clock, log });
    this.#unseen = new Unseen(clock);
    this.#listener = new Listener({
      address: address.kind === "unix" ? { path: address.path } : address,
      take: (socket) => this.serve(socket),
      clock,
      failed: (reason) => log.error("cannot listen", { line: name, reason }),
    });
  }

  /** Listens, and tries again where the address cannot be had. Resolves after the first try. */
  start(): Promise<void> {
    return this.#listener.start();
  }

  /** Takes a client's connection. */
  serve(socket: Socket): void {
    const { name, open, clients } = this.#options;
    this.#opened++;
    const full = this.#sockets.size >= clients;
    const stream = full ? undefined : open(name, priorityOf(name, false));
    if (!stream) {
      this.#failed++;
      this.#complain(full ? `more than ${clients} clients` : "not connected to the hub");
      socket.on("error", () => {});
      // at once and unmistakably: a client must not wait for what is not there
      breakOff(socket, this.#options.address.kind === "unix");
      return;
    }
    this.#sockets.add(socket);
    const leave = this.#unseen.enter();
    join(socket, stream, {
      deliver: "stream",
      done: (outcome) => {
        leave();
        this.#sockets.delete(socket);
        const refusal = outcome === "socket-lost" || outcome === "closed" ? undefined : refusalText(outcome);
        if (refusal === undefined) return;
        this.#failed++;
        this.#complain(refusal);
      },
    });
  }

  #complain(reason: string): void {
    this.#complaints.say({ line: this.#options.name, reason });
  }

  state(address: string): ListenerState {
    const { failure } = this.#listener;
    return {
      line: this.#options.name,
      address,
      state: failure === undefined ? "listening" : "failed",
      ...(failure !== undefined && { reason: failure }),
      clients: this.#sockets.size,
      opened: this.#opened,
      failed: this.#failed,
    };
  }

  /** Stops listening; clients stay. */
  drain(): void {
    this.#listener.drain();
  }

  /** Clients that may wait for something. */
  get underWay(): number {
    return this.#unseen.young;
  }

  /** Stops listening and ends every client. */
  stop(): void {
    this.#listener.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

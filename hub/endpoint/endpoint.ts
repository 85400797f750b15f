/** One endpoint: the local address or Unix socket at which one service of one site is offered. */

import type { Socket } from "node:net";
import { breakOff } from "../../common/break-off.ts";
import type { Clock } from "../../common/clock.ts";
import { type Drainable, Unseen } from "../../common/drain.ts";
import { type ListenAddress, Listener } from "../../common/listener.ts";
import { join, type ResetReason, type Stream } from "../../common/mux/index.ts";

export type ServeClient = (socket: Socket, done: () => void) => void;

/** Where an endpoint's clients go. */
export interface Way {
  /** Opens a stream to the site's service; undefined when that cannot be now. */
  open: () => Stream | undefined;
  /** Takes a client where the service is more than bytes to the hub, and calls back when it is gone. */
  serve?: ServeClient | undefined;
  /** The site did not take a client's stream, or lost it. */
  refused?: (reason: ResetReason) => void;
}

export interface EndpointOptions extends Way {
  address: ListenAddress;
  clock: Clock;
  /** The address cannot be had; told once for each reason, until it could be. */
  failed: (reason: string) => void;
}

export class Endpoint implements Drainable {
  readonly #listener: Listener;
  readonly #sockets = new Set<Socket>();
  /** Those that are joined to a stream. */
  readonly #unseen: Unseen;

  constructor(private readonly options: EndpointOptions) {
    const { address, clock, failed } = options;
    this.#unseen = new Unseen(clock);
    this.#listener = new Listener({ address, clock, failed, take: (socket) => this.#serve(socket) });
    void this.#listener.start();
  }

  #serve(socket: Socket): void {
    if (this.options.serve) {
      this.#sockets.add(socket);
      this.options.serve(socket, () => void this.#sockets.delete(socket));
      return;
    }
    const stream = this.options.open();
    if (!stream) {
      socket.on("error", () => {});
      // at once and unmistakably: a client must not wait for a site that is not there
      breakOff(socket, "path" in this.options.address);
      return;
    }
    this.#sockets.add(socket);
    const leave = this.#unseen.enter();
    join(socket, stream, {
      deliver: "stream",
      done: (outcome) => {
        leave();
        this.#sockets.delete(socket);
        if (outcome !== "closed" && outcome !== "socket-lost") this.options.refused?.(outcome);
      },
    });
  }

  /** Whether it listens, or why not; and its clients. */
  get state(): { state: "listening" | "failed"; reason?: string; clients: number } {
    const clients = this.#sockets.size;
    const reason = this.#listener.failure;
    return reason === undefined ? { state: "listening", clients } : { state: "failed", reason, clients };
  }

  /** Stops listening; clients stay. */
  drain(): void {
    this.#listener.drain();
  }

  /** Clients whose requests only the two ends understand; who serves the others knows of theirs. */
  get underWay(): number {
    return this.#unseen.young;
  }

  /** Stops listening and ends every client. */
  close(): void {
    this.#listener.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

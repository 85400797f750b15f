/** One endpoint: the local address or Unix socket at which one service of one site is offered. */

import { rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { reasonOf } from "../../common/errors.ts";
import { join, type Stream } from "../../common/mux/index.ts";

export type EndpointAddress = { host: string; port: number } | { path: string };

export type ServeClient = (socket: Socket, done: () => void) => void;

/** Where an endpoint's clients go. */
export interface Way {
  /** Opens a stream to the site's service; undefined when that cannot be now. */
  open: () => Stream | undefined;
  /** Takes a client where the service is more than bytes to the hub, and calls back when it is gone. */
  serve?: ServeClient | undefined;
}

export interface EndpointOptions extends Way {
  address: EndpointAddress;
  /** A listener could not be opened or failed. */
  failed: (reason: string) => void;
  listening: () => void;
}

export class Endpoint {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(private readonly options: EndpointOptions) {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#serve(socket));
    this.#server.on("error", (error) => options.failed(reasonOf(error)));
    this.#server.on("listening", () => options.listening());
    const { address } = options;
    if ("path" in address) {
      // left behind by a hub that was killed; nobody else writes into the hub's run directory
      rmSync(address.path, { force: true });
      this.#server.listen({ path: address.path, readableAll: false, writableAll: false });
    } else {
      this.#server.listen({ host: address.host, port: address.port, backlog: 511 });
    }
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
      if ("path" in this.options.address) socket.destroy();
      else socket.resetAndDestroy();
      return;
    }
    this.#sockets.add(socket);
    join(socket, stream, { deliver: "stream", done: () => void this.#sockets.delete(socket) });
  }

  get clients(): number {
    return this.#sockets.size;
  }

  /** Stops listening and ends every client. */
  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    if ("path" in this.options.address) rmSync(this.options.address.path, { force: true });
  }
}

/** A listener for connections: each becomes a stream to the line of the central side that it is named for. */

import { chmodSync, lstatSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import type { Address } from "../../common/address.ts";
import { reasonOf } from "../../common/errors.ts";
import { join } from "../../common/mux/index.ts";
import { Complaints, type LineOptions, type ListenerState, priorityOf, refusalText } from "./line.ts";

export interface ConnectionsOptions extends LineOptions {
  address: Exclude<Address, { kind: "udp" }>;
  /** Clients connected at once; more are turned away. */
  clients: number;
}

/** ms until an address that could not be had is tried again. */
const RETRY = 5_000;
/** ms of silence after which the system asks a client whether it is still there: idle forever is allowed. */
const KEEP_ALIVE = 60_000;

export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #complaints: Complaints;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #failure: string | undefined = "not started";
  #stopped = false;
  #opened = 0;
  #failed = 0;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
    this.#complaints = new Complaints(options);
  }

  /** Listens, and tries again where the address cannot be had. Resolves after the first try. */
  start(): Promise<void> {
    const { address, name, log, clock } = this.#options;
    const server = createServer(
      { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE },
      (socket) => this.serve(socket),
    );
    this.#server = server;
    return new Promise((resolve) => {
      server.on("listening", () => {
        this.#failure = undefined;
        if (address.kind === "unix") chmodSync(address.path, 0o660);
        resolve();
      });
      server.on("error", (error) => {
        const reason = reasonOf(error);
        if (this.#failure !== reason) log.error("cannot listen", { line: name, reason });
        this.#failure = reason;
        server.close();
        if (!this.#stopped) clock.after(RETRY, () => void (this.#stopped || this.start()));
        resolve();
      });
      if (address.kind === "unix") {
        removeSocket(address.path);
        server.listen({ path: address.path, readableAll: false, writableAll: false });
      } else server.listen({ host: address.host, port: address.port, backlog: 511 });
    });
  }

  /** Takes a client's connection. */
  serve(socket: Socket): void {
    const { name, open, clients } = this.#options;
    this.#opened++;
    const full = this.#sockets.size >= clients;
    const stream = full ? undefined : open(name, priorityOf(name, false));
    if (!stream) {
      this.#failed++;
      this.#complaints.say(full ? `more than ${clients} clients` : "not connected to the hub");
      socket.on("error", () => {});
      // at once and unmistakably: a client must not wait for what is not there
      if (this.#options.address.kind === "unix") socket.destroy();
      else socket.resetAndDestroy();
      return;
    }
    this.#sockets.add(socket);
    join(socket, stream, {
      deliver: "stream",
      done: (outcome) => {
        this.#sockets.delete(socket);
        const refusal = outcome === "socket-lost" || outcome === "closed" ? undefined : refusalText(outcome);
        if (refusal === undefined) return;
        this.#failed++;
        this.#complaints.say(refusal);
      },
    });
  }

  state(address: string): ListenerState {
    return {
      line: this.#options.name,
      address,
      state: this.#failure === undefined ? "listening" : "failed",
      ...(this.#failure !== undefined && { reason: this.#failure }),
      clients: this.#sockets.size,
      opened: this.#opened,
      failed: this.#failed,
    };
  }

  /** Stops listening and ends every client. */
  stop(): void {
    this.#stopped = true;
    this.#server?.close();
    for (const socket of this.#sockets) socket.destroy();
    const { address } = this.#options;
    if (address.kind === "unix" && this.#failure === undefined) removeSocket(address.path);
  }
}

/** Removes what an agent that was killed left behind, and nothing that is not a socket. */
function removeSocket(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket()) rmSync(path, { force: true });
}

/** A local address or Unix socket where connections are taken, tried again for as long as it cannot be had. */

import { chmodSync, lstatSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import type { Clock, Timer } from "./clock.ts";
import { HAND_OVER } from "./drain.ts";
import { reasonOf } from "./errors.ts";

export type ListenAddress = { host: string; port: number } | { path: string };

export interface ListenerOptions {
  address: ListenAddress;
  /** Takes a client's connection, which allows half-close. */
  take: (socket: Socket) => void;
  clock: Clock;
  /** The address cannot be had; told once for each reason, until it could be. */
  failed: (reason: string) => void;
}

/** ms until an address that could not be had is tried again. */
const RETRY = 5_000;
/** ms of silence after which the system asks a client whether it is still there: idle forever is allowed. */
const KEEP_ALIVE = 60_000;
/** Connections that may wait until they are taken; the system may allow fewer (net.core.somaxconn). */
const BACKLOG = 511;
/** Longest path of a Unix socket, in bytes (sun_path less its final NUL, unix(7)). */
const MAX_SOCKET_PATH = 107;
/** Of a Unix socket: for the user and the group of this process. */
const SOCKET_MODE = 0o660;

export class Listener {
  readonly #options: ListenerOptions;
  #server: Server | undefined;
  #failure: string | undefined;
  #retry: Timer | undefined;
  #closed = false;

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  /** Why it does not listen; undefined when it does. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Listens, and tries again where that cannot be. Resolves after the first try. */
  start(): Promise<void> {
    const { address, take, clock, failed } = this.#options;
    const server = createServer(
      { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE },
      take,
    );
    this.#server = server;
    return new Promise((resolve) => {
      const fail = (reason: string) => {
        if (this.#closed) return resolve();
        if (this.#failure !== reason) failed(reason);
        this.#failure = reason;
        server.close();
        this.#retry = clock.after(RETRY, () => void this.start());
        resolve();
      };
      server.on("close", () => resolve());
      server.on("error", (error) => fail(reasonOf(error)));
      server.on("listening", () => {
        if (this.#closed) return resolve();
        this.#failure = undefined;
        if ("path" in address) chmodSync(address.path, SOCKET_MODE);
        resolve();
      });
      try {
        listenAt(server, address);
      } catch (error) {
        fail(reasonOf(error));
      }
    });
  }

  /**
   * Takes nobody new. Who has connected to a Unix socket already is still taken: its file is gone first. At an address
   * those are reset that the system took in the last moment.
   */
  drain(): void {
    const { address, clock } = this.#options;
    if (!("path" in address) || this.#failure !== undefined) return this.close();
    removeSocket(address.path);
    clock.after(HAND_OVER, () => this.close());
  }

  /** Stops listening; clients that were taken are not its own. */
  close(): void {
    this.#closed = true;
    this.#retry?.cancel();
    this.#server?.close();
    const { address } = this.#options;
    if ("path" in address && this.#failure === undefined) removeSocket(address.path);
  }
}

function listenAt(server: Server, address: ListenAddress): void {
  if (!("path" in address)) {
    server.listen({ host: address.host, port: address.port, backlog: BACKLOG });
    return;
  }
  if (Buffer.byteLength(address.path) > MAX_SOCKET_PATH) {
    throw new Error(`the path is longer than ${MAX_SOCKET_PATH} bytes`);
  }
  removeSocket(address.path);
  server.listen({ path: address.path, readableAll: false, writableAll: false });
}

/** Removes what a process that was killed left behind, and nothing that is not a socket. */
function removeSocket(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket()) rmSync(path, { force: true });
}

/** All that one site's agent listens for: `[listen]` of agent.toml. */

import { type Address, isLoopback } from "../../common/address.ts";
import type { Clock } from "../../common/clock.ts";
import type { Listens } from "../../common/handshake/index.ts";
import type { Log } from "../../common/log.ts";
import { Connections } from "./connections.ts";
import { Datagrams } from "./datagrams.ts";
import type { ListenerState, OpenLine } from "./line.ts";
import type { QueueLimits } from "./queue.ts";
import { DatagramSocket } from "./socket.ts";

export interface ListenersOptions {
  /** By line; `text` as in the file. */
  lines: Readonly<Record<string, { text: string; address: Address }>>;
  open: OpenLine;
  /** Clients of one line connected at once. */
  clients: number;
  /** Of each line for datagrams. */
  queue: QueueLimits;
  clock: Clock;
  log: Log;
}

interface Listener {
  start(): Promise<void>;
  stop(): void;
  state(): ListenerState;
}

export class Listeners {
  readonly #options: ListenersOptions;
  readonly #listeners: Listener[];

  constructor(options: ListenersOptions) {
    this.#options = options;
    this.#listeners = Object.entries(options.lines).map(([name, { text, address }]) =>
      address.kind === "udp" ? this.#datagrams(name, text, address) : this.#connections(name, text, address),
    );
  }

  #connections(name: string, text: string, address: Exclude<Address, { kind: "udp" }>): Listener {
    const { open, clients, clock, log } = this.#options;
    const connections = new Connections({ name, address, open, clients, clock, log });
    return {
      start: () => connections.start(),
      stop: () => connections.stop(),
      state: () => connections.state(text),
    };
  }

  #datagrams(name: string, text: string, address: Extract<Address, { kind: "udp" }>): Listener {
    const { open, queue, clock, log } = this.#options;
    const datagrams = new Datagrams({ name, open, queue, clock, log });
    const socket = new DatagramSocket({ name, address, clock, log, take: (bytes) => datagrams.take(bytes) });
    return {
      start: () => socket.start(),
      stop: () => {
        socket.stop();
        datagrams.stop();
      },
      state: () => ({
        line: name,
        address: text,
        state: socket.failure === undefined ? "listening" : "failed",
        ...(socket.failure !== undefined && { reason: socket.failure }),
        datagrams: datagrams.count,
      }),
    };
  }

  /** What the hub is told: the kind of each line. */
  get kinds(): Listens {
    return Object.fromEntries(
      Object.entries(this.#options.lines).map(([name, { address }]) => [
        name,
        address.kind === "udp" ? "udp" : "tcp",
      ]),
    );
  }

  /** Resolves once every listener was tried; one that failed goes on trying. */
  async start(): Promise<void> {
    const { lines, log } = this.#options;
    for (const [line, { text, address }] of Object.entries(lines)) {
      if (address.kind === "unix" || isLoopback(address.host)) continue;
      log.warn("listens beyond this host: whoever reaches it uses the central side as this site", {
        line,
        address: text,
      });
    }
    await Promise.all(this.#listeners.map((listener) => listener.start()));
  }

  states(): ListenerState[] {
    return this.#listeners.map((listener) => listener.state());
  }

  stop(): void {
    for (const listener of this.#listeners) listener.stop();
  }
}

/** All that one site's agent listens for: `[listen]` of agent.toml. */

import { type Address, isLoopback } from "../../common/address.ts";
import type { Clock } from "../../common/clock.ts";
import type { Drainable } from "../../common/drain.ts";
import type { Listens } from "../../common/handshake/index.ts";
import type { Log } from "../../common/log.ts";
import { Connections } from "./connections.ts";
import { Datagrams } from "./datagrams.ts";
import type { ListenerState, OpenLine } from "./line.ts";
import type { QueueLimits } from "./queue.ts";
import { DatagramSocket } from "./socket.ts";

/** By line; `text` as in the file. */
export type Lines = Readonly<Record<string, { text: string; address: Address }>>;

export interface ListenersOptions {
  lines: Lines;
  open: OpenLine;
  /** Clients of one line connected at once. */
  clients: number;
  /** Of each line for datagrams. */
  queue: QueueLimits;
  clock: Clock;
  log: Log;
}

interface Listener extends Drainable {
  start(): Promise<void>;
  stop(): void;
  state(): ListenerState;
}

export class Listeners implements Drainable {
  readonly #options: ListenersOptions;
  #lines: Lines;
  /** By line. */
  readonly #listeners = new Map<string, Listener>();

  constructor(options: ListenersOptions) {
    this.#options = options;
    this.#lines = options.lines;
    for (const name of Object.keys(options.lines)) this.#add(name);
  }

  #add(name: string): Listener | undefined {
    const line = this.#lines[name];
    if (!line) return undefined;
    const { text, address } = line;
    const listener =
      address.kind === "udp" ? this.#datagrams(name, text, address) : this.#connections(name, text, address);
    this.#listeners.set(name, listener);
    return listener;
  }

  #connections(name: string, text: string, address: Exclude<Address, { kind: "udp" }>): Listener {
    const { open, clients, clock, log } = this.#options;
    const connections = new Connections({ name, address, open, clients, clock, log });
    return {
      start: () => connections.start(),
      drain: () => connections.drain(),
      get underWay() {
        return connections.underWay;
      },
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
      // datagrams are sent on until the end: nobody would hear that they are not
      drain: () => {},
      underWay: 0,
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
      Object.entries(this.#lines).map(([name, { address }]) => [
        name,
        address.kind === "udp" ? "udp" : "tcp",
      ]),
    );
  }

  /** Resolves once every listener was tried; one that failed goes on trying. */
  async start(): Promise<void> {
    await Promise.all([...this.#listeners].map(([name, listener]) => this.#start(name, listener)));
  }

  #start(name: string, listener: Listener): Promise<void> {
    const line = this.#lines[name];
    if (line && line.address.kind !== "unix" && !isLoopback(line.address.host)) {
      this.#options.log.warn(
        "listens beyond this host: whoever reaches it uses the central side as this site",
        {
          line: name,
          address: line.text,
        },
      );
    }
    return listener.start();
  }

  /** Other lines than before. Those that stay as they are go on; clients of the others are ended. */
  async reconfigure(lines: Lines): Promise<void> {
    const before = this.#lines;
    this.#lines = lines;
    for (const [name, { text }] of Object.entries(before)) {
      if (lines[name]?.text === text) continue;
      this.#listeners.get(name)?.stop();
      this.#listeners.delete(name);
    }
    const fresh = Object.keys(lines).filter((name) => !this.#listeners.has(name));
    await Promise.all(
      fresh.map((name) => {
        const listener = this.#add(name);
        return listener && this.#start(name, listener);
      }),
    );
  }

  states(): ListenerState[] {
    return Object.keys(this.#lines).flatMap((name) => this.#listeners.get(name)?.state() ?? []);
  }

  drain(): void {
    for (const listener of this.#listeners.values()) listener.drain();
  }

  get underWay(): number {
    return [...this.#listeners.values()].reduce((sum, listener) => sum + listener.underWay, 0);
  }

  stop(): void {
    for (const listener of this.#listeners.values()) listener.stop();
  }
}

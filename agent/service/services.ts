/** The one place where a stream from the hub is let in or not: this agent's own file decides, by name. */

import { createConnection, type Socket } from "node:net";
import type { Clock } from "../../common/clock.ts";
import type { Log } from "../../common/log.ts";
import { join, type Stream } from "../../common/mux/index.ts";
import type { Target } from "./target.ts";

export type Dialer = (target: Target) => Socket;

/** Opens a socket to a local target, with half-close. */
export const dialTarget: Dialer = (target) => createConnection({ ...target, allowHalfOpen: true });

export interface ServicesOptions {
  targets: ReadonlyMap<string, Target>;
  dial: Dialer;
  clock: Clock;
  /** ms for a connection to a target. */
  connectTimeout: number;
  log: Log;
}

/** ms between two log lines that say the same. */
const QUIET = 60_000;
const MOST_NOTED = 1000;

export class Services {
  readonly #noted = new Map<string, number>();

  constructor(private readonly options: ServicesOptions) {}

  get names(): string[] {
    return [...this.options.targets.keys()];
  }

  /** Joins a stream that the hub opened to the service it names, or refuses it. */
  accept(stream: Stream): void {
    const { targets, dial, clock, connectTimeout } = this.options;
    const target = targets.get(stream.service);
    if (!target) {
      this.#noteFailure(stream.service, "the hub asked for a service that is not in this agent's file");
      stream.reset("serviceUnknown");
      return;
    }
    const socket = dial(target);
    const timer = clock.after(connectTimeout, () => socket.destroy(new Error("no connection in time")));
    socket.once("connect", () => timer.cancel());
    socket.once("error", (error) => this.#noteFailure(stream.service, error.message));
    socket.once("close", () => timer.cancel());
    join(socket, stream, { unreachable: "targetUnreachable", deliver: "socket" });
  }

  /** One line a minute for each reason: a core that is down is asked many times a second. */
  #noteFailure(service: string, reason: string): void {
    const { clock, log } = this.options;
    const key = `${service} ${reason}`;
    const now = clock.now();
    if (now - (this.#noted.get(key) ?? -QUIET) < QUIET) return;
    if (this.#noted.size >= MOST_NOTED) this.#noted.clear();
    this.#noted.set(key, now);
    log.warn("service failed", { service, reason });
  }
}

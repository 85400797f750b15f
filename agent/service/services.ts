/** The one place where a stream from the hub is let in or not: this agent's own file decides, by name. */
import { createConnection, type Socket } from "node:net";
import type { Clock } from "../../common/clock.ts";
import type { Log } from "../../common/log.ts";
import { join } from "../../common/mux/join.ts";
import type { Stream } from "../../common/mux/stream.ts";
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

export class Services {
  constructor(private readonly options: ServicesOptions) {}

  get names(): string[] {
    return [...this.options.targets.keys()];
  }

  /** Joins a stream that the hub opened to the service it names, or refuses it. */
  accept(stream: Stream): void {
    const { targets, dial, clock, connectTimeout, log } = this.options;
    const target = targets.get(stream.service);
    if (!target) {
      log.warn("stream refused: no such service here", { service: stream.service });
      stream.reset("serviceUnknown");
      return;
    }
    const socket = dial(target);
    const timer = clock.after(connectTimeout, () => socket.destroy(new Error("no connection in time")));
    socket.once("connect", () => timer.cancel());
    socket.once("error", (error) =>
      log.warn("service lost", { service: stream.service, reason: error.message }),
    );
    socket.once("close", () => timer.cancel());
    join(socket, stream, { unreachable: "targetUnreachable" });
  }
}

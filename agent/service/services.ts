/** The one place where a stream from the hub is let in or not: this agent's own file decides, by name. */

import { createConnection, type Socket } from "node:net";
import type { Clock } from "../../common/clock.ts";
import { Complaints } from "../../common/complaints.ts";
import { LIVESTATUS } from "../../common/core.ts";
import type { Policy } from "../../common/livestatus/index.ts";
import type { Log } from "../../common/log.ts";
import { join, type Stream } from "../../common/mux/index.ts";
import { Guard } from "./guard.ts";
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
  /** No stream from the hub is let in, and no service is named to it. Default false. */
  pushOnly?: boolean;
  /** What may be asked of the core; undefined: anything, and its bytes are not looked at. */
  livestatus?: Policy | undefined;
}

export class Services {
  readonly #complaints: Complaints;
  readonly #guard: Guard | undefined;
  readonly #open = new Map<string, Set<Socket>>();
  /** Bytes received over sockets that are closed. */
  readonly #received = new Map<string, number>();

  constructor(private readonly options: ServicesOptions) {
    const { livestatus: policy, clock, log } = options;
    this.#complaints = new Complaints({ message: "service failed", clock, log });
    const refused = (reason: string) => this.#complaints.say({ service: LIVESTATUS, reason });
    this.#guard = policy && new Guard({ policy, clock, refused });
  }

  /** What the hub may ask for. */
  get names(): string[] {
    return this.pushOnly ? [] : [...this.options.targets.keys()];
  }

  get pushOnly(): boolean {
    return this.options.pushOnly ?? false;
  }

  /** Bytes received so far from a service's target, over all its streams. */
  received(service: string): number {
    let bytes = this.#received.get(service) ?? 0;
    for (const socket of this.#open.get(service) ?? []) bytes += socket.bytesRead;
    return bytes;
  }

  /** Joins a stream that the hub opened to the service it names, or refuses it. */
  accept(stream: Stream): void {
    const { targets, dial, clock, connectTimeout } = this.options;
    const { service } = stream;
    const failed = (reason: string) => this.#complaints.say({ service, reason });
    if (this.pushOnly) {
      failed("the hub asked for a stream, but this agent is push-only");
      stream.reset("serviceRefused");
      return;
    }
    const target = targets.get(service);
    if (!target) {
      failed("the hub asked for a service that is not in this agent's file");
      stream.reset("serviceUnknown");
      return;
    }
    const socket = dial(target);
    const timer = clock.after(connectTimeout, () => socket.destroy(new Error("no connection in time")));
    socket.once("connect", () => timer.cancel());
    socket.once("error", (error) => failed(error.message));
    socket.once("close", () => timer.cancel());
    const guarded = service === LIVESTATUS ? this.#guard?.watch(stream) : undefined;
    this.#count(service, socket);
    join(socket, guarded ?? stream, { unreachable: "targetUnreachable", deliver: "socket" });
  }

  #count(service: string, socket: Socket): void {
    const open = this.#open.get(service) ?? new Set();
    this.#open.set(service, open.add(socket));
    socket.once("close", () => {
      open.delete(socket);
      this.#received.set(service, (this.#received.get(service) ?? 0) + socket.bytesRead);
    });
  }
}

/** The one place where a stream from the hub is let in or not: this agent's own file decides, by name. */

import { createConnection, type Socket } from "node:net";
import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../../common/clock.ts";
import { Complaints } from "../../common/complaints.ts";
import { LIVESTATUS } from "../../common/core.ts";
import { type Drainable, Unseen } from "../../common/drain.ts";
import type { Policy } from "../../common/livestatus/index.ts";
import type { Log } from "../../common/log.ts";
import { join, type Stream } from "../../common/mux/index.ts";
import { Guard } from "./guard.ts";
import type { Target } from "./target.ts";

export type Dialer = (target: Target) => Socket;

/** Opens a socket to a local target, with half-close. */
export const dialTarget: Dialer = (target) => createConnection({ ...target, allowHalfOpen: true });

/** What the agent's file says of them. */
export interface ServiceRules {
  targets: ReadonlyMap<string, Target>;
  /** No stream from the hub is let in, and no service is named to it. Default false. */
  pushOnly?: boolean;
  /** What may be asked of the core; undefined: anything, and its bytes are not looked at. */
  livestatus?: Policy | undefined;
}

export interface ServicesOptions extends ServiceRules {
  dial: Dialer;
  clock: Clock;
  /** ms for a connection to a target. */
  connectTimeout: number;
  log: Log;
}

export class Services implements Drainable {
  readonly #complaints: Complaints;
  #rules: ServiceRules;
  #guard: Guard | undefined;
  /** By service, the streams to each open socket. */
  readonly #open = new Map<string, Map<Socket, Stream>>();
  readonly #unseen: Unseen;
  /** Bytes received over sockets that are closed. */
  readonly #received = new Map<string, number>();

  constructor(private readonly options: ServicesOptions) {
    const { clock, log } = options;
    this.#complaints = new Complaints({ message: "service failed", clock, log });
    this.#unseen = new Unseen(clock);
    this.#rules = options;
    this.#guard = this.#makeGuard();
  }

  #makeGuard(): Guard | undefined {
    const refused = (reason: string) => this.#complaints.say({ service: LIVESTATUS, reason });
    const { livestatus: policy } = this.#rules;
    return policy && new Guard({ policy, clock: this.options.clock, refused });
  }

  /** The file says something else now. Streams go on, but for those of services that do not exist any more. */
  reconfigure(rules: ServiceRules): void {
    const { livestatus: before } = this.#rules;
    this.#rules = rules;
    if (!isDeepStrictEqual(before, rules.livestatus)) this.#guard = this.#makeGuard();
    const names = new Set(this.names);
    for (const [service, open] of this.#open) {
      if (names.has(service)) continue;
      for (const [socket, stream] of open) {
        // first, so that the hub takes it for no end of an answer
        stream.reset("serviceUnknown");
        socket.destroy();
      }
    }
  }

  /** What the hub may ask for. */
  get names(): string[] {
    return this.pushOnly ? [] : [...this.#rules.targets.keys()];
  }

  get pushOnly(): boolean {
    return this.#rules.pushOnly ?? false;
  }

  /** Bytes received so far from a service's target, over all its streams. */
  received(service: string): number {
    let bytes = this.#received.get(service) ?? 0;
    for (const socket of this.#open.get(service)?.keys() ?? []) bytes += socket.bytesRead;
    return bytes;
  }

  /** What the hub has under way it still brings to its end; it is told elsewhere to begin nothing new. */
  drain(): void {}

  /** Streams that somebody at the hub may wait for. */
  get underWay(): number {
    return this.#unseen.young;
  }

  /** Joins a stream that the hub opened to the service it names, or refuses it. */
  accept(stream: Stream): void {
    const { dial, clock, connectTimeout } = this.options;
    const { service } = stream;
    const failed = (reason: string) => this.#complaints.say({ service, reason });
    if (this.pushOnly) {
      failed("the hub asked for a stream, but this agent is push-only");
      stream.reset("serviceRefused");
      return;
    }
    const target = this.#rules.targets.get(service);
    if (!target) {
      failed("the hub asked for a service that is not in this agent's file");
      stream.reset("serviceUnknown");
      return;
    }
    const socket = dial(target);
    const timer = clock.after(connectTimeout, () => socket.destroy(new Error("no connection in time")));
    socket.once("connect", () => timer.cancel());
    socket.once("error", (error) => failed(error.message));
    const leave = this.#unseen.enter();
    socket.once("close", () => {
      leave();
      timer.cancel();
    });
    const guarded = service === LIVESTATUS ? this.#guard?.watch(stream) : undefined;
    this.#count(service, socket, stream);
    join(socket, guarded ?? stream, { unreachable: "targetUnreachable", deliver: "socket" });
  }

  #count(service: string, socket: Socket, stream: Stream): void {
    const open = this.#open.get(service) ?? new Map<Socket, Stream>();
    this.#open.set(service, open.set(socket, stream));
    socket.once("close", () => {
      open.delete(socket);
      this.#received.set(service, (this.#received.get(service) ?? 0) + socket.bytesRead);
    });
  }
}

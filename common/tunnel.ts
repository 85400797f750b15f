/** Session and mux put on top of each other: what an agent and the hub have between them. */

import type { FarsiteError } from "./errors.ts";
import { Mux, type MuxHandlers, type Traffic } from "./mux/index.ts";
import { type Link, Session, type SessionOptions } from "./session/index.ts";

export interface TunnelOptions extends SessionOptions {
  side: "agent" | "hub";
  /** Chosen by the hub. */
  id: Uint8Array;
  maxStreams?: number;
  /** Where the bytes of a service's streams are counted. */
  traffic?: (service: string) => Traffic;
  handlers: MuxHandlers & {
    carrier(link: Link | undefined, reason?: FarsiteError): void;
    goAway(ms: number): void;
    end(reason: FarsiteError): void;
  };
}

export interface Tunnel {
  readonly session: Session;
  readonly mux: Mux;
}

export function createTunnel(options: TunnelOptions): Tunnel {
  const { side, id, handlers, maxStreams, traffic } = options;
  const session = new Session(id, options);
  const mux = new Mux({
    side,
    session,
    handlers,
    clock: options.clock,
    rtt: () => session.rtt,
    ...(maxStreams === undefined ? {} : { maxStreams }),
    ...(traffic && { traffic }),
  });
  session.attach({
    pull: (lowest, most) => mux.pull(lowest, most),
    shared: () => mux.shared,
    acknowledged: (record) => mux.acknowledged(record),
    frames: (record) => mux.frames(record),
    carrier: (link, reason) => handlers.carrier(link, reason),
    goAway: (ms) => handlers.goAway(ms),
    end: (reason) => {
      mux.end();
      handlers.end(reason);
    },
  });
  return { session, mux };
}

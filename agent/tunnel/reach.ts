/** Opens the way to the hub: a socket over which HTTP can be spoken, its TLS verified. */

import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Clock } from "../../common/clock.ts";
import { dialError, silence } from "./failure.ts";

export interface ReachTarget {
  /** wss://HOST[:PORT], or ws:// on this host. */
  url: string;
  /** ms for name, connection and TLS together. */
  timeout: number;
}

/** Throws E_HUB_UNREACHABLE or E_TLS_UNTRUSTED. */
export type Reach = (target: ReachTarget) => Promise<Socket>;

export interface ReachOptions {
  /** Authorities (PEM) trusted instead of the system's. */
  ca: string[] | undefined;
  clock: Clock;
}

/** A way straight to the hub. */
export function directReach({ ca, clock }: ReachOptions): Reach {
  return ({ url, timeout }) => {
    const { protocol, hostname, port } = new URL(url);
    const host = hostname.replace(/^\[|\]$/g, "");
    const secure = protocol === "wss:";
    const { promise, resolve, reject } = Promise.withResolvers<Socket>();
    const socket = secure
      ? connectTls({
          host,
          port: Number(port || 443),
          ...(!isIP(host) && { servername: host }),
          ...(ca && { ca }),
        })
      : connectTcp({ host, port: Number(port || 80) });
    const timer = clock.after(timeout, () => {
      reject(silence(url, timeout));
      socket.destroy();
    });
    socket.once(secure ? "secureConnect" : "connect", () => {
      timer.cancel();
      resolve(socket);
    });
    // stays, for what comes before whoever takes the socket over listens
    socket.on("error", (error: NodeJS.ErrnoException) => {
      timer.cancel();
      reject(dialError(url, error));
    });
    return promise;
  };
}

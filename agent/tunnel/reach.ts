/** Opens the way to the hub: a socket over which HTTP can be spoken, its TLS verified. */
import type { Socket } from "node:net";
import type { Clock } from "../../common/clock.ts";
import { addressOf, limitOf, type Open, openDirectly, startTls, type Trouble } from "../route/index.ts";
import { presentedCertificate } from "./certificate.ts";
import { isTrust, tlsError } from "./failure.ts";

export interface ReachTarget {
  /** wss://HOST[:PORT], or ws:// on this host. */
  url: string;
  /** ms for name, connection, proxy and TLS together. */
  timeout: number;
}

/** Throws what `Open` throws, and E_TLS_UNTRUSTED, E_TLS_FAILED or E_TLS_TIMEOUT. */
export type Reach = (target: ReachTarget) => Promise<Socket>;

export interface ReachOptions {
  /** Authorities (PEM) trusted instead of the system's. */
  ca: string[] | undefined;
  clock: Clock;
  /** Opens the connection below TLS. Default: straight to the hub. */
  open?: Open;
}

/** A way to the hub that does one step after the other, so that a failure names the one that failed. */
export function stagedReach({ ca, clock, open = openDirectly }: ReachOptions): Reach {
  return async ({ url, timeout }) => {
    const limit = limitOf(clock, timeout);
    const socket = await open(url, limit);
    if (!url.startsWith("wss:")) return socket;
    let untrusted: Trouble | undefined;
    try {
      return await startTls(socket, { host: addressOf(url).host, ca }, limit, (trouble) => {
        if (isTrust(trouble)) untrusted = trouble;
        return tlsError(url, trouble);
      });
    } catch (error) {
      if (!untrusted) throw error;
      // a second look, for who it is that presents it
      const certificate = await presentedCertificate(url, open, limit).catch(() => undefined);
      throw tlsError(url, untrusted, certificate);
    }
  };
}

/** A way straight to the hub. */
export function directReach({ ca, clock }: Omit<ReachOptions, "open">): Reach {
  return stagedReach({ ca, clock });
}

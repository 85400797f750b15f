/** The UDP socket of a listener for datagrams. */

import { createSocket, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import type { Address } from "../../common/address.ts";
import type { Clock } from "../../common/clock.ts";
import type { Log } from "../../common/log.ts";

export interface DatagramSocketOptions {
  name: string;
  address: Extract<Address, { kind: "udp" }>;
  clock: Clock;
  log: Log;
  take: (datagram: Buffer) => void;
}

/** ms until an address that could not be had is tried again. */
const RETRY = 5_000;
/**
 * Bytes that the system keeps until the agent takes them; it may give less (net.core.rmem_max). Syslog and traps
 * come in bursts, and what does not fit here is lost unseen.
 */
const RECEIVE_BUFFER = 4 << 20;

export class DatagramSocket {
  #socket: Socket | undefined;
  #failure: string | undefined = "not started";
  #stopped = false;

  constructor(private readonly options: DatagramSocketOptions) {}

  /** Why it does not listen; undefined when it does. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Listens, and tries again where the address cannot be had. Resolves after the first try. */
  start(): Promise<void> {
    const { name, address, clock, log, take } = this.options;
    const socket = createSocket(isIPv6(address.host) ? { type: "udp6", ipv6Only: true } : { type: "udp4" });
    this.#socket = socket;
    return new Promise((resolve) => {
      socket.on("message", take);
      socket.on("listening", () => {
        this.#failure = undefined;
        socket.setRecvBufferSize(RECEIVE_BUFFER);
        resolve();
      });
      socket.on("error", (error) => {
        // of something that was received; the socket goes on
        if (this.#failure === undefined) return;
        if (this.#failure !== error.message)
          log.error("cannot listen", { line: name, reason: error.message });
        this.#failure = error.message;
        socket.close();
        this.#socket = undefined;
        if (!this.#stopped) clock.after(RETRY, () => void (this.#stopped || this.start()));
        resolve();
      });
      socket.bind({ address: address.host, port: address.port });
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#socket?.close();
    this.#socket = undefined;
  }
}

/** Dials the hub: the agent's end of a WebSocket carrier. */

import { WebSocket } from "ws";
import { type Carrier, type CarrierHandlers, MAX_MESSAGE } from "../../common/carrier/index.ts";
import type { Clock } from "../../common/clock.ts";
import { FarsiteError } from "../../common/errors.ts";
import { dialError, silence } from "./failure.ts";
import type { Reach, ReachTarget } from "./reach.ts";

/** Opens a carrier to the hub. Throws E_HUB_UNREACHABLE, E_TLS_UNTRUSTED, E_HUB_BUSY or E_HANDSHAKE. */
export type DialCarrier = (target: ReachTarget) => Promise<Carrier>;

/** ms for the other side to answer a close. */
const CLOSE_WITHIN = 2_000;

class AgentCarrier implements Carrier {
  readonly kind = "websocket";
  readonly #early: Buffer[] = [];
  #handlers: CarrierHandlers | undefined;
  #closed: string | undefined;

  constructor(
    private readonly socket: WebSocket,
    readonly peer: string,
    private readonly clock: Clock,
  ) {
    socket.on("message", (data: Buffer, isBinary: boolean) => {
      if (!isBinary) socket.close(1003);
      else if (this.#handlers) this.#handlers.message(data);
      else if (this.#early.length === 0) this.#early.push(data);
      else socket.close(1008);
    });
    let failure = "";
    socket.on("error", (error: Error) => {
      failure = error.message;
    });
    socket.on("close", (code: number, reason: Buffer) => {
      this.#closed = failure || String(reason) || `WebSocket closed, code ${code}`;
      this.#handlers?.close(this.#closed);
    });
  }

  attach(handlers: CarrierHandlers): void {
    this.#handlers = handlers;
    for (const message of this.#early.splice(0)) handlers.message(message);
    if (this.#closed !== undefined) handlers.close(this.#closed);
  }

  get unsent(): number {
    return this.socket.bufferedAmount;
  }

  send(message: Uint8Array): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(message);
  }

  close(reason: string): void {
    this.socket.close(1000, reason.slice(0, 100));
    // on a dead line the answer never comes, and an agent that is told to stop would wait for it
    this.clock.after(CLOSE_WITHIN, () => this.socket.terminate());
  }
}

export interface WebSocketOptions {
  /** Authorities (PEM) trusted instead of the system's. */
  ca: string[] | undefined;
  clock: Clock;
  /**
   * Opens the connections where they cannot go straight to the hub. Without it the WebSocket makes its own: that
   * is a third faster, since every byte through a socket of `node:tls` passes JavaScript once more.
   */
  reach?: Reach;
}

/** Dials with WebSockets. */
export function webSocketDialer({ ca, clock, reach }: WebSocketOptions): DialCarrier {
  return async ({ url, timeout }) => {
    const began = clock.now();
    const connection = await reach?.({ url, timeout });
    const { promise, resolve, reject } = Promise.withResolvers<Carrier>();
    const socket = new WebSocket(`${url}/tunnel`, {
      perMessageDeflate: false,
      maxPayload: MAX_MESSAGE,
      ...(connection ? { createConnection: () => connection } : ca && { ca }),
    });
    socket.binaryType = "nodebuffer";
    const timer = clock.after(timeout - (clock.now() - began), () => {
      reject(silence(url, timeout));
      socket.terminate();
    });
    socket.once("open", () => {
      timer.cancel();
      resolve(new AgentCarrier(socket, url, clock));
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      timer.cancel();
      reject(dialError(url, error));
    });
    socket.once("close", (code: number) => {
      timer.cancel();
      reject(new FarsiteError("E_HUB_UNREACHABLE", `${url} closed the connection, code ${code}`));
    });
    return promise;
  };
}

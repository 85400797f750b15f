/** A carrier that an agent opened: the hub's end of a WebSocket. */

import type { ServerWebSocket, WebSocketHandler } from "bun";
import { type Carrier, type CarrierHandlers, MAX_MESSAGE } from "../../common/carrier/index.ts";

/** What hangs on a socket: filled in when it opened. */
export interface SocketData {
  readonly peer: string;
  carrier?: HubCarrier;
}

/** Bytes that may wait in a socket: what is kept for replay is sent in one go to a new carrier. */
const MOST_WAITING = 32 << 20;

export class HubCarrier implements Carrier {
  readonly kind = "websocket";
  readonly peer: string;
  handlers: CarrierHandlers | undefined;
  #closed = false;

  constructor(private readonly socket: ServerWebSocket<SocketData>) {
    this.peer = socket.data.peer;
  }

  attach(handlers: CarrierHandlers): void {
    this.handlers = handlers;
  }

  get unsent(): number {
    return this.#closed ? 0 : this.socket.getBufferedAmount();
  }

  send(message: Uint8Array): void {
    // 0 means that the socket dropped it: order is broken and cannot be mended on this carrier
    if (!this.#closed && this.socket.sendBinary(message) === 0) this.socket.terminate();
  }

  close(reason: string): void {
    if (!this.#closed) this.socket.close(1000, reason.slice(0, 100));
  }

  onClose(reason: string): void {
    this.#closed = true;
    this.handlers?.close(reason);
  }
}

/** The socket handlers to serve with; `opened` must attach to the carrier at once. */
export function socketHandlers(opened: (carrier: HubCarrier) => void): WebSocketHandler<SocketData> {
  return {
    maxPayloadLength: MAX_MESSAGE,
    backpressureLimit: MOST_WAITING,
    closeOnBackpressureLimit: true,
    // records are not compressible, and the session has its own heartbeat
    perMessageDeflate: false,
    idleTimeout: 0,
    sendPings: false,
    open(socket) {
      const carrier = new HubCarrier(socket);
      socket.data.carrier = carrier;
      opened(carrier);
    },
    message(socket, message) {
      if (typeof message === "string") socket.close(1003, "text is not understood here");
      else socket.data.carrier?.handlers?.message(message);
    },
    drain(socket) {
      socket.data.carrier?.handlers?.drain();
    },
    close(socket, code, reason) {
      socket.data.carrier?.onClose(reason === "" ? `WebSocket closed, code ${code}` : reason);
    },
  };
}

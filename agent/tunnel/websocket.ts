/** Dials the hub: the agent's end of a WebSocket carrier. */

import type { Socket } from "node:net";
import { WebSocket } from "ws";
import { ERROR_HEADER } from "../../common/carrier/https/index.ts";
import { type Carrier, type CarrierHandlers, MAX_MESSAGE } from "../../common/carrier/index.ts";
import type { Clock } from "../../common/clock.ts";
import type { FarsiteError } from "../../common/errors.ts";
import { silence, type Trouble } from "../route/index.ts";
import { CarrierBlocked } from "./blocked.ts";
import { diagnose } from "./diagnosis.ts";
import { answerError, dialError, isVague, requestError } from "./failure.ts";
import { hopOf } from "./hop.ts";
import { directReach, type Reach, type ReachTarget } from "./reach.ts";

/**
 * Opens a carrier to the hub. Throws an error whose code says which hop failed (see `hop.ts`); as CarrierBlocked
 * when another kind of carrier may get through where this one did not.
 */
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
  /** Opens connections. Default: straight to the hub. */
  reach?: Reach;
  /**
   * Whether the WebSocket may make its connection itself, for a hub that is reached directly: that is a third
   * faster, since every byte through a socket of `node:tls` passes JavaScript once more. What fails then is
   * looked into with `reach`. Default: where there is no `reach`.
   */
  native?: (url: string) => boolean;
}

/** Dials with WebSockets. */
export function webSocketDialer({ ca, clock, reach, native }: WebSocketOptions): DialCarrier {
  const staged = reach ?? directReach({ ca, clock });
  const mayBeNative = native ?? (() => reach === undefined);
  return async ({ url, timeout }) => {
    const began = clock.now();
    const connection = mayBeNative(url) ? undefined : await staged({ url, timeout });
    const left = timeout - (clock.now() - began);
    const answer = await upgrade(url, { ca, clock, timeout: left, connection });
    if ("carrier" in answer) return answer.carrier;
    if ("status" in answer) {
      const error = answerError(url, answer.status, answer.location);
      throw answer.word === error.code ? error : new CarrierBlocked(error);
    }
    if (connection) throw new CarrierBlocked(requestError(url, answer.trouble));
    const found = isVague(answer.trouble)
      ? await diagnose(url, { reach: staged, clock, timeout })
      : dialError(url, answer.trouble);
    // when all is well but for the WebSocket, it is that which gets no answer
    throw blockedAt(found ?? requestError(url, answer.trouble));
  };
}

/** Of failures of all hops those that come after the hub's host was reached. */
function blockedAt(error: FarsiteError): FarsiteError {
  return hopOf(error.code) === "http" ? new CarrierBlocked(error) : error;
}

type Upgraded =
  | { carrier: Carrier }
  /** `word`: the hub's own code for it, where it was the hub that answered. */
  | { status: number; location: string | undefined; word: unknown }
  | { trouble: Trouble };

interface UpgradeOptions {
  ca: string[] | undefined;
  clock: Clock;
  timeout: number;
  /** A connection that is there, its TLS verified; without it the WebSocket makes one. */
  connection: Socket | undefined;
}

/** Asks for a WebSocket, and resolves with whatever comes of it. */
function upgrade(url: string, { ca, clock, timeout, connection }: UpgradeOptions): Promise<Upgraded> {
  const { promise, resolve } = Promise.withResolvers<Upgraded>();
  const socket = new WebSocket(`${url}/tunnel`, {
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE,
    ...(connection ? { createConnection: () => connection } : ca && { ca }),
  });
  socket.binaryType = "nodebuffer";
  const timer = clock.after(timeout, () => {
    resolve({ trouble: silence(timeout) });
    socket.terminate();
  });
  void promise.then(() => timer.cancel());
  socket.once("open", () => resolve({ carrier: new AgentCarrier(socket, url, clock) }));
  socket.once("unexpected-response", (_, { statusCode = 0, headers }) => {
    resolve({ status: statusCode, location: headers.location, word: headers[ERROR_HEADER] });
    socket.terminate();
  });
  socket.on("error", (trouble: Trouble) => resolve({ trouble }));
  socket.once("close", (code: number) =>
    resolve({ trouble: new Error(`it closed the connection, code ${code}`) }),
  );
  return promise;
}

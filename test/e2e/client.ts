/** A client of an endpoint: a local socket, and all that is seen at it. */
import { once } from "node:events";
import { connect, type NetConnectOpts, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import type { EndpointState } from "../../hub/endpoint/index.ts";
import { until } from "../lab/farsite.ts";

export type Place = { host: string; port: number } | { path: string };

/** The two places of an endpoint. */
export const placesOf = (endpoint: EndpointState): { tcp: Place; unix: Place } => ({
  tcp: { host: endpoint.address, port: endpoint.port },
  unix: { path: endpoint.socket },
});

export class Client {
  readonly #chunks: Buffer[] = [];
  /** Bytes received so far. */
  received = 0;
  /** The other side ended in good order. */
  ended = false;
  /** Why the connection broke, if it did. */
  broken: string | undefined;
  /** Resolves when nothing more can come or go. */
  readonly closed: Promise<this>;

  private constructor(readonly socket: Socket) {
    socket.on("data", (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.received += chunk.length;
    });
    socket.on("end", () => {
      this.ended = true;
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.broken = error.code ?? error.message;
    });
    this.closed = new Promise((resolve) => socket.once("close", () => resolve(this)));
    onTestFinished(() => void socket.destroy());
  }

  /** Begins to connect; what is written is sent as soon as that is done. */
  static to(place: Place): Client {
    return new Client(connect({ ...place, allowHalfOpen: true } as NetConnectOpts));
  }

  /** Sends all of `data`, in step with what the other side takes. */
  async send(data: Uint8Array | string): Promise<this> {
    if (!this.socket.write(data)) await Promise.race([once(this.socket, "drain"), this.closed]);
    return this;
  }

  /** Half-close. */
  end(): this {
    this.socket.end();
    return this;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** Waits until nothing more comes, for better or worse. */
  async over(): Promise<this> {
    await until("the end of the answer", () => this.ended || this.broken !== undefined);
    return this;
  }

  /** Waits for the other side's end, and gives all that came before. */
  async all(): Promise<Buffer> {
    await this.over();
    if (!this.ended) throw new Error(`the connection broke: ${this.broken}`);
    return this.bytes;
  }
}
